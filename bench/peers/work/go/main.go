// The three tools of bench/work/contract.ts on the official Go SDK.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log"
	"math"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"
)

const serverType = "go"

var (
	api    = os.Getenv("API_URL")
	store  *redis.Client
	client = &http.Client{Transport: &http.Transport{MaxIdleConns: 100, MaxIdleConnsPerHost: 100}}
)

type product struct {
	ID     int     `json:"id"`
	SKU    string  `json:"sku"`
	Name   string  `json:"name"`
	Price  float64 `json:"price"`
	Rating float64 `json:"rating"`
}

type rankedProduct struct {
	product
	PopularityRank int `json:"popularity_rank"`
}

type line struct {
	ProductID int `json:"product_id"`
	Quantity  int `json:"quantity"`
}

type searchArgs struct {
	Category string  `json:"category"`
	MinPrice float64 `json:"min_price"`
	MaxPrice float64 `json:"max_price"`
	Limit    int     `json:"limit"`
}

type searchAnswer struct {
	Category   string          `json:"category"`
	TotalFound int             `json:"total_found"`
	Products   []rankedProduct `json:"products"`
	Popular    []int           `json:"top10_popular_ids"`
	ServerType string          `json:"server_type"`
}

type cartArgs struct {
	UserID string `json:"user_id"`
}

type cart struct {
	Items          []line  `json:"items"`
	ItemCount      int     `json:"item_count"`
	EstimatedTotal float64 `json:"estimated_total"`
}

type cartAnswer struct {
	UserID     string   `json:"user_id"`
	Cart       cart     `json:"cart"`
	History    []string `json:"recent_history"`
	ServerType string   `json:"server_type"`
}

type checkoutArgs struct {
	UserID string `json:"user_id"`
	Items  []line `json:"items"`
}

type checkoutAnswer struct {
	OrderID        string  `json:"order_id"`
	UserID         string  `json:"user_id"`
	Total          float64 `json:"total"`
	ItemsCount     int     `json:"items_count"`
	RateLimitCount int64   `json:"rate_limit_count"`
	Status         string  `json:"status"`
	ServerType     string  `json:"server_type"`
}

func read(response *http.Response, into any) error {
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the API answered %d", response.StatusCode)
	}
	return json.NewDecoder(response.Body).Decode(into)
}

func get(ctx context.Context, path string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, api+path, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	return read(response, into)
}

func post(ctx context.Context, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, api+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	return read(response, into)
}

func answer(value any) (*mcp.CallToolResult, any, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, nil, err
	}
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: string(text)}}}, nil, nil
}

func searchProducts(ctx context.Context, _ *mcp.CallToolRequest, args searchArgs) (*mcp.CallToolResult, any, error) {
	var found struct {
		TotalFound int       `json:"total_found"`
		Products   []product `json:"products"`
	}
	var members []string
	group, both := errgroup.WithContext(ctx)
	group.Go(func() error {
		return get(both, fmt.Sprintf("/products/search?category=%s&min_price=%v&max_price=%v&limit=%d",
			url.QueryEscape(args.Category), args.MinPrice, args.MaxPrice, args.Limit), &found)
	})
	group.Go(func() (err error) {
		members, err = store.ZRevRange(both, "bench:popular", 0, 9).Result()
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	popular := make([]int, len(members))
	for i, member := range members {
		popular[i], _ = strconv.Atoi(strings.TrimPrefix(member, "product:"))
	}
	ranked := make([]rankedProduct, len(found.Products))
	for i, each := range found.Products {
		ranked[i] = rankedProduct{each, slices.Index(popular, each.ID) + 1}
	}
	return answer(searchAnswer{args.Category, found.TotalFound, ranked, popular, serverType})
}

func getUserCart(ctx context.Context, _ *mcp.CallToolRequest, args cartArgs) (*mcp.CallToolResult, any, error) {
	fields, err := store.HGetAll(ctx, "bench:cart:"+args.UserID).Result()
	if err != nil {
		return nil, nil, err
	}
	items := make([]line, 0, len(fields))
	count := 0
	for id, quantity := range fields {
		item := line{}
		item.ProductID, _ = strconv.Atoi(id)
		item.Quantity, _ = strconv.Atoi(quantity)
		items = append(items, item)
		count += item.Quantity
	}
	slices.SortFunc(items, func(a, b line) int { return a.ProductID - b.ProductID })
	if len(items) == 0 {
		return nil, nil, fmt.Errorf("%s has no cart", args.UserID)
	}
	var first product
	var history []string
	group, both := errgroup.WithContext(ctx)
	group.Go(func() error {
		return get(both, fmt.Sprintf("/products/%d", items[0].ProductID), &first)
	})
	group.Go(func() (err error) {
		history, err = store.LRange(both, "bench:history:"+args.UserID, 0, 4).Result()
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	total := math.Round(first.Price*float64(count)*100) / 100
	return answer(cartAnswer{args.UserID, cart{items, count, total}, history, serverType})
}

func checkout(ctx context.Context, _ *mcp.CallToolRequest, args checkoutArgs) (*mcp.CallToolResult, any, error) {
	order := "ORD-" + rand.Text()
	number, err := strconv.Atoi(strings.TrimPrefix(args.UserID, "user-"))
	if err != nil || len(args.Items) == 0 {
		return nil, nil, fmt.Errorf("a user and items are needed")
	}
	var calculated struct {
		Total      float64 `json:"total"`
		ItemsCount int     `json:"items_count"`
	}
	var count int64
	group, all := errgroup.WithContext(ctx)
	group.Go(func() error { return post(all, "/cart/calculate", args, &calculated) })
	group.Go(func() (err error) {
		count, err = store.Incr(all, fmt.Sprintf("bench:ratelimit:user-%05d", number%100)).Result()
		return err
	})
	group.Go(func() error { return store.RPush(all, "bench:history:"+args.UserID, order).Err() })
	group.Go(func() error {
		return store.ZIncrBy(all, "bench:popular", 1, fmt.Sprintf("product:%d", args.Items[0].ProductID)).Err()
	})
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	return answer(checkoutAnswer{order, args.UserID, calculated.Total, calculated.ItemsCount, count, "confirmed", serverType})
}

func main() {
	options, err := redis.ParseURL(os.Getenv("REDIS_URL"))
	if err != nil {
		log.Fatal(err)
	}
	options.PoolSize = 64
	store = redis.NewClient(options)
	server := mcp.NewServer(&mcp.Implementation{Name: "work", Version: "1.0.0"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "search_products", Description: "Search products by category and price"}, searchProducts)
	mcp.AddTool(server, &mcp.Tool{Name: "get_user_cart", Description: "A user's cart and recent orders"}, getUserCart)
	mcp.AddTool(server, &mcp.Tool{Name: "checkout", Description: "Order what is in the list"}, checkout)
	handler := mcp.NewStreamableHTTPHandler(
		func(*http.Request) *mcp.Server { return server },
		&mcp.StreamableHTTPOptions{Stateless: os.Getenv("SESSIONS") != "on", JSONResponse: true},
	)
	http.Handle("/mcp", handler)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}
