/** The products that the API sells: made by a rule, so that every answer can be told beforehand. */

/** One of them. */
export interface Product {
  id: number;
  sku: string;
  name: string;
  category: string;
  price: number;
  rating: number;
}

const productCount = 100_000;

const categories = [
  ...["Books", "Electronics", "Clothing", "Garden", "Toys", "Sports"],
  ...["Music", "Beauty", "Grocery", "Health", "Automotive", "Baby"],
  ...["Industrial", "Jewelry", "Kitchen", "Office", "Pets", "Shoes"],
  ...["Software", "Tools"],
];
const perCategory = productCount / categories.length;

/** Within a category every price from 0 to 999.80 in steps of 0.20 occurs once. */
function productOf(id: number): Product {
  const category = categories[id % categories.length];
  const place = Math.floor(id / categories.length) * 7_919 % perCategory;
  return {
    id,
    sku: `SKU-${String(id).padStart(6, "0")}`,
    name: `${category} product ${id}`,
    category,
    price: place / 5,
    rating: 1 + (id * 31 % 41) / 10,
  };
}

/** All products by their ids, which begin at 1. */
export const products: ReadonlyMap<number, Product> = new Map(
  Array.from({ length: productCount }, (_, i) => [i + 1, productOf(i + 1)]),
);

const byCategory = Map.groupBy(
  [...products.values()].sort((a, b) => b.rating - a.rating || a.id - b.id),
  ({ category }) => category,
);

/** What `GET /products/search` answers. */
export interface SearchAnswer {
  total_found: number;
  products: Product[];
}

/** The best rated products of a category in a range of prices, and how many there are. */
export function searchProducts(
  category: string,
  minPrice: number,
  maxPrice: number,
  limit: number,
): SearchAnswer {
  const found = (byCategory.get(category) ?? []).filter(({ price }) =>
    price >= minPrice && price <= maxPrice
  );
  return { total_found: found.length, products: found.slice(0, limit) };
}

/** A line of an order. */
export interface CartLine {
  product_id: number;
  quantity: number;
}

/** What `POST /cart/calculate` answers: the sum in whole cents, said in the currency. */
export function calculateCart(items: CartLine[]): {
  total: number;
  items_count: number;
} {
  const total = items.reduce(
    (sum, { product_id, quantity }) =>
      sum + (products.get(product_id)?.price ?? 0) * quantity,
    0,
  );
  return { total: Math.round(total * 100) / 100, items_count: items.length };
}
