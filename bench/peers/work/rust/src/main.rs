//! The three tools of bench/work/contract.ts on rmcp.

use std::{collections::HashMap, env, error::Error};

use axum::serve::ListenerExt;
use deadpool_redis::{Connection, Pool, Runtime, redis::AsyncCommands};
use rmcp::{
    ErrorData, ServerHandler,
    handler::server::wrapper::Parameters,
    model::{CallToolResult, ContentBlock, ServerCapabilities, ServerConfig},
    schemars, tool, tool_handler, tool_router,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

const SERVER_TYPE: &str = "rust";

#[derive(Deserialize)]
struct Product {
    id: u32,
    sku: String,
    name: String,
    price: f64,
    rating: f64,
}

#[derive(Serialize)]
struct RankedProduct {
    id: u32,
    sku: String,
    name: String,
    price: f64,
    rating: f64,
    popularity_rank: usize,
}

#[derive(Serialize, Deserialize, schemars::JsonSchema)]
struct Line {
    product_id: u32,
    quantity: u32,
}

#[derive(Deserialize, schemars::JsonSchema)]
struct SearchArgs {
    category: String,
    min_price: f64,
    max_price: f64,
    limit: u32,
}

#[derive(Deserialize)]
struct Found {
    total_found: u32,
    products: Vec<Product>,
}

#[derive(Serialize)]
struct SearchAnswer {
    category: String,
    total_found: u32,
    products: Vec<RankedProduct>,
    top10_popular_ids: Vec<u32>,
    server_type: &'static str,
}

#[derive(Deserialize, schemars::JsonSchema)]
struct CartArgs {
    user_id: String,
}

#[derive(Serialize)]
struct Cart {
    items: Vec<Line>,
    item_count: u32,
    estimated_total: f64,
}

#[derive(Serialize)]
struct CartAnswer {
    user_id: String,
    cart: Cart,
    recent_history: Vec<String>,
    server_type: &'static str,
}

#[derive(Serialize, Deserialize, schemars::JsonSchema)]
struct CheckoutArgs {
    user_id: String,
    items: Vec<Line>,
}

#[derive(Deserialize)]
struct Calculated {
    total: f64,
    items_count: u32,
}

#[derive(Serialize)]
struct CheckoutAnswer {
    order_id: String,
    user_id: String,
    total: f64,
    items_count: u32,
    rate_limit_count: u64,
    status: &'static str,
    server_type: &'static str,
}

fn failed(error: impl std::fmt::Display) -> ErrorData {
    ErrorData::internal_error(error.to_string(), None)
}

fn answer(value: &impl Serialize) -> Result<CallToolResult, ErrorData> {
    let text = serde_json::to_string(value).map_err(failed)?;
    Ok(CallToolResult::success(vec![ContentBlock::text(text)]))
}

#[derive(Clone)]
struct Work {
    api: String,
    client: reqwest::Client,
    redis: Pool,
}

impl Work {
    async fn connection(&self) -> Result<Connection, ErrorData> {
        self.redis.get().await.map_err(failed)
    }

    async fn send<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<T, ErrorData> {
        let response = request.send().await.map_err(failed)?;
        let response = response.error_for_status().map_err(failed)?;
        response.json().await.map_err(failed)
    }
}

#[tool_router]
impl Work {
    #[tool(description = "Search products by category and price")]
    async fn search_products(
        &self,
        Parameters(args): Parameters<SearchArgs>,
    ) -> Result<CallToolResult, ErrorData> {
        let request = self
            .client
            .get(format!("{}/products/search", self.api))
            .query(&[
                ("category", args.category.as_str()),
                ("min_price", &args.min_price.to_string()),
                ("max_price", &args.max_price.to_string()),
                ("limit", &args.limit.to_string()),
            ]);
        let popular = async {
            let mut redis = self.connection().await?;
            let members: Vec<String> = redis
                .zrevrange("bench:popular", 0, 9)
                .await
                .map_err(failed)?;
            Ok(members
                .iter()
                .filter_map(|member| member.strip_prefix("product:")?.parse().ok())
                .collect::<Vec<u32>>())
        };
        let (found, popular) = tokio::try_join!(self.send::<Found>(request), popular)?;
        let products = found.products.into_iter().map(|product| RankedProduct {
            popularity_rank: popular
                .iter()
                .position(|id| *id == product.id)
                .map_or(0, |i| i + 1),
            id: product.id,
            sku: product.sku,
            name: product.name,
            price: product.price,
            rating: product.rating,
        });
        answer(&SearchAnswer {
            category: args.category,
            total_found: found.total_found,
            products: products.collect(),
            top10_popular_ids: popular,
            server_type: SERVER_TYPE,
        })
    }

    #[tool(description = "A user's cart and recent orders")]
    async fn get_user_cart(
        &self,
        Parameters(CartArgs { user_id }): Parameters<CartArgs>,
    ) -> Result<CallToolResult, ErrorData> {
        let mut redis = self.connection().await?;
        let fields: HashMap<u32, u32> = redis
            .hgetall(format!("bench:cart:{user_id}"))
            .await
            .map_err(failed)?;
        let mut items: Vec<Line> = fields
            .into_iter()
            .map(|(product_id, quantity)| Line {
                product_id,
                quantity,
            })
            .collect();
        items.sort_by_key(|item| item.product_id);
        let first = items
            .first()
            .ok_or_else(|| failed(format!("{user_id} has no cart")))?;
        let request = self
            .client
            .get(format!("{}/products/{}", self.api, first.product_id));
        let history = async {
            redis
                .lrange::<_, Vec<String>>(format!("bench:history:{user_id}"), 0, 4)
                .await
                .map_err(failed)
        };
        let (first, recent_history) = tokio::try_join!(self.send::<Product>(request), history)?;
        let item_count = items.iter().map(|item| item.quantity).sum();
        let estimated_total = (first.price * f64::from(item_count) * 100.0).round() / 100.0;
        answer(&CartAnswer {
            user_id,
            cart: Cart {
                items,
                item_count,
                estimated_total,
            },
            recent_history,
            server_type: SERVER_TYPE,
        })
    }

    #[tool(description = "Order what is in the list")]
    async fn checkout(
        &self,
        Parameters(args): Parameters<CheckoutArgs>,
    ) -> Result<CallToolResult, ErrorData> {
        let order_id = format!("ORD-{}", uuid::Uuid::new_v4());
        let number: u32 = args
            .user_id
            .strip_prefix("user-")
            .and_then(|number| number.parse().ok())
            .ok_or_else(|| failed("user_id must be user-N"))?;
        let first = args
            .items
            .first()
            .ok_or_else(|| failed("items must not be empty"))?;
        let request = self
            .client
            .post(format!("{}/cart/calculate", self.api))
            .json(&args);
        let count = async {
            let mut redis = self.connection().await?;
            let key = format!("bench:ratelimit:user-{:05}", number % 100);
            redis.incr::<_, _, u64>(key, 1).await.map_err(failed)
        };
        let history = async {
            let mut redis = self.connection().await?;
            let key = format!("bench:history:{}", args.user_id);
            redis
                .rpush::<_, _, ()>(key, &order_id)
                .await
                .map_err(failed)
        };
        let popular = async {
            let mut redis = self.connection().await?;
            let member = format!("product:{}", first.product_id);
            redis
                .zincr::<_, _, _, f64>("bench:popular", member, 1)
                .await
                .map_err(failed)
        };
        let (calculated, rate_limit_count, _, _) =
            tokio::try_join!(self.send::<Calculated>(request), count, history, popular)?;
        answer(&CheckoutAnswer {
            order_id,
            user_id: args.user_id,
            total: calculated.total,
            items_count: calculated.items_count,
            rate_limit_count,
            status: "confirmed",
            server_type: SERVER_TYPE,
        })
    }
}

#[tool_handler]
impl ServerHandler for Work {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut pool = deadpool_redis::Config::from_url(env::var("REDIS_URL")?);
    pool.pool = Some(deadpool_redis::PoolConfig::new(64));
    let work = Work {
        api: env::var("API_URL")?,
        client: reqwest::Client::new(),
        redis: pool.create_pool(Some(Runtime::Tokio1))?,
    };
    let with_sessions = env::var("SESSIONS").is_ok_and(|sessions| sessions == "on");
    let service: StreamableHttpService<Work, LocalSessionManager> = StreamableHttpService::new(
        move || Ok(work.clone()),
        Default::default(),
        StreamableHttpServerConfig::default()
            .with_legacy_session_mode(with_sessions)
            .with_json_response(true),
    );
    let app = axum::Router::new().nest_service("/mcp", service);
    let address = format!("127.0.0.1:{}", env::var("PORT")?);
    // Without it the second piece of a streamed answer waits 40 ms for an ACK.
    let listener = tokio::net::TcpListener::bind(address)
        .await?
        .tap_io(|connection| _ = connection.set_nodelay(true));
    axum::serve(listener, app).await?;
    Ok(())
}
