import { InvalidParamsError, ResourceTemplate } from "@sluice/mcp";
import type { GuideServer } from "./server.ts";
import { work } from "./work.ts";

const PAGE_SIZE = 50;
const TOTAL_PAGES = 100;

/** The guide's resources: a fixed one, and two families. */
export function addResources(server: GuideServer): void {
  server.registerResource("about", "data://about", {
    description: "What this server is",
    mimeType: "text/markdown",
    cacheHint: { ttlMs: 3_600_000, cacheScope: "public" },
  }, () => "# Sluice\n\nThe performance guide's server.");

  server.registerResource(
    "batch",
    new ResourceTemplate("data://batch/{batch_id}", { list: undefined }),
    {
      description: "The state of a batch",
      mimeType: "application/json",
      cache: { ttlMs: 5_000, public: true },
    },
    async (_uri, { batch_id }, ctx) => {
      await work(100, ctx.signal);
      return { batch_id, status: "processed" };
    },
  );

  server.registerResource(
    "paginated",
    new ResourceTemplate("data://paginated/{page}", {
      list: undefined,
      complete: { page: pagesBeginningWith },
    }),
    { description: "A page of 50 items", mimeType: "application/json" },
    (_uri, { page }) => pageOf(Number(page)),
  );
}

function pagesBeginningWith(typed: string): string[] {
  return Array.from({ length: TOTAL_PAGES }, (_, index) => String(index + 1))
    .filter((page) => page.startsWith(typed));
}

function pageOf(page: number) {
  if (!(Number.isInteger(page) && page >= 1 && page <= TOTAL_PAGES)) {
    throw new InvalidParamsError(
      `page must be from 1 to ${TOTAL_PAGES}`,
    );
  }
  const first = (page - 1) * PAGE_SIZE;
  return {
    page,
    page_size: PAGE_SIZE,
    items: Array.from({ length: PAGE_SIZE }, (_, index) => ({
      id: first + index,
      name: `Item ${first + index}`,
    })),
    total_pages: TOTAL_PAGES,
    has_next: page < TOTAL_PAGES,
    has_previous: page > 1,
  };
}
