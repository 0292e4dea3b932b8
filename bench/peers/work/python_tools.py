"""The three tools of bench/work/contract.ts for the Python servers; each returns its answer as JSON text."""

import asyncio
import json
import os
import uuid
from urllib.parse import urlencode

import aiohttp
import redis.asyncio
from pydantic import BaseModel

API = os.environ["API_URL"]
SERVER_TYPE = os.environ["SERVER_TYPE"]

store = redis.asyncio.Redis.from_url(
    os.environ["REDIS_URL"], decode_responses=True, max_connections=256
)
_session: aiohttp.ClientSession | None = None


class Item(BaseModel):
    product_id: int
    quantity: int


async def ask(method: str, path: str, body: object = None) -> dict:
    global _session
    if _session is None:
        _session = aiohttp.ClientSession()
    async with _session.request(method, API + path, json=body) as response:
        response.raise_for_status()
        return await response.json()


def answer(**fields: object) -> str:
    return json.dumps({**fields, "server_type": SERVER_TYPE})


async def search_products(
    category: str, min_price: float, max_price: float, limit: int
) -> str:
    """Search products by category and price"""
    query = urlencode(
        {
            "category": category,
            "min_price": min_price,
            "max_price": max_price,
            "limit": limit,
        }
    )
    found, popular = await asyncio.gather(
        ask("GET", f"/products/search?{query}"),
        store.zrevrange("bench:popular", 0, 9),
    )
    top = [int(member.removeprefix("product:")) for member in popular]
    ranks = {product: i + 1 for i, product in enumerate(top)}
    return answer(
        category=category,
        total_found=found["total_found"],
        products=[
            {
                "id": product["id"],
                "sku": product["sku"],
                "name": product["name"],
                "price": product["price"],
                "rating": product["rating"],
                "popularity_rank": ranks.get(product["id"], 0),
            }
            for product in found["products"]
        ],
        top10_popular_ids=top,
    )


async def get_user_cart(user_id: str) -> str:
    """A user's cart and recent orders"""
    cart = await store.hgetall(f"bench:cart:{user_id}")
    items = sorted(
        ({"product_id": int(k), "quantity": int(v)} for k, v in cart.items()),
        key=lambda item: item["product_id"],
    )
    first, history = await asyncio.gather(
        ask("GET", f"/products/{items[0]['product_id']}"),
        store.lrange(f"bench:history:{user_id}", 0, 4),
    )
    count = sum(item["quantity"] for item in items)
    return answer(
        user_id=user_id,
        cart={
            "items": items,
            "item_count": count,
            "estimated_total": round(first["price"] * count, 2),
        },
        recent_history=history,
    )


async def checkout(user_id: str, items: list[Item]) -> str:
    """Order what is in the list"""
    order = f"ORD-{uuid.uuid4()}"
    slot = int(user_id.removeprefix("user-")) % 100
    lines = [item.model_dump() for item in items]
    calculated, count, _, _ = await asyncio.gather(
        ask("POST", "/cart/calculate", {"user_id": user_id, "items": lines}),
        store.incr(f"bench:ratelimit:user-{slot:05d}"),
        store.rpush(f"bench:history:{user_id}", order),
        store.zincrby("bench:popular", 1, f"product:{items[0].product_id}"),
    )
    return answer(
        order_id=order,
        user_id=user_id,
        total=calculated["total"],
        items_count=calculated["items_count"],
        rate_limit_count=count,
        status="confirmed",
    )


TOOLS = [search_products, get_user_cart, checkout]
