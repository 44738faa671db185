/** The made-up system that the load comes from: sixteen services of a web shop, three pods each, who
 *  calls whom, and what of. */

export interface Service {
  readonly name: string;
  readonly language: string;
  /** RPC service and its methods. */
  readonly rpc: string;
  readonly methods: readonly [string, ...string[]];
  readonly calls: readonly string[];
  /** Its database, if it has one. */
  readonly database?: 'redis' | 'postgresql';
}

export const FRONT = 'frontend-proxy';
export const PODS = 3;

export const SERVICES: readonly Service[] = [
  {
    name: FRONT,
    language: 'cpp',
    rpc: 'http',
    methods: [
      'GET /',
      'GET /product/{id}',
      'GET /cart',
      'POST /cart',
      'POST /checkout',
      'GET /search',
    ],
    calls: ['frontend'],
  },
  {
    name: 'frontend',
    language: 'nodejs',
    rpc: 'http',
    methods: [
      'GET /api/products/{id}',
      'GET /api/cart',
      'POST /api/cart',
      'POST /api/checkout',
      'GET /api/search',
    ],
    calls: ['product-catalog', 'cart', 'recommendation', 'ad', 'currency', 'checkout', 'search'],
  },
  {
    name: 'cart',
    language: 'dotnet',
    rpc: 'com.example.shop.v1.CartService',
    methods: ['AddItem', 'GetCart', 'EmptyCart'],
    calls: ['product-catalog'],
    database: 'redis',
  },
  {
    name: 'checkout',
    language: 'go',
    rpc: 'com.example.shop.v1.CheckoutService',
    methods: ['PlaceOrder'],
    calls: ['cart', 'payment', 'shipping', 'email', 'currency', 'inventory'],
  },
  {
    name: 'payment',
    language: 'nodejs',
    rpc: 'com.example.shop.v1.PaymentService',
    methods: ['Charge', 'Refund'],
    calls: ['fraud-detection'],
    database: 'postgresql',
  },
  {
    name: 'shipping',
    language: 'rust',
    rpc: 'com.example.shop.v1.ShippingService',
    methods: ['GetQuote', 'ShipOrder'],
    calls: ['quote'],
  },
  {
    name: 'email',
    language: 'ruby',
    rpc: 'com.example.shop.v1.EmailService',
    methods: ['SendConfirmation'],
    calls: [],
  },
  {
    name: 'product-catalog',
    language: 'go',
    rpc: 'com.example.shop.v1.ProductCatalogService',
    methods: ['GetProduct', 'ListProducts', 'SearchProducts'],
    calls: ['inventory'],
    database: 'postgresql',
  },
  {
    name: 'recommendation',
    language: 'python',
    rpc: 'com.example.shop.v1.RecommendationService',
    methods: ['ListRecommendations'],
    calls: ['product-catalog'],
    database: 'redis',
  },
  {
    name: 'ad',
    language: 'java',
    rpc: 'com.example.shop.v1.AdService',
    methods: ['GetAds'],
    calls: [],
    database: 'redis',
  },
  {
    name: 'currency',
    language: 'cpp',
    rpc: 'com.example.shop.v1.CurrencyService',
    methods: ['Convert', 'GetSupportedCurrencies'],
    calls: [],
  },
  {
    name: 'quote',
    language: 'php',
    rpc: 'com.example.shop.v1.QuoteService',
    methods: ['Calculate'],
    calls: [],
  },
  {
    name: 'inventory',
    language: 'java',
    rpc: 'com.example.shop.v1.InventoryService',
    methods: ['Reserve', 'GetStock'],
    calls: [],
    database: 'postgresql',
  },
  {
    name: 'accounting',
    language: 'dotnet',
    rpc: 'com.example.shop.v1.AccountingService',
    methods: ['Record'],
    calls: [],
    database: 'postgresql',
  },
  {
    name: 'fraud-detection',
    language: 'kotlin',
    rpc: 'com.example.shop.v1.FraudService',
    methods: ['Check'],
    calls: [],
    database: 'redis',
  },
  {
    name: 'search',
    language: 'java',
    rpc: 'com.example.shop.v1.SearchService',
    methods: ['Query', 'Suggest'],
    calls: ['product-catalog', 'inventory'],
    database: 'redis',
  },
];

const BY_NAME = new Map(SERVICES.map((service, index) => [service.name, index]));

/** Its place in SERVICES. */
export function serviceIndex(name: string): number {
  const index = BY_NAME.get(name);
  if (index === undefined) throw new RangeError(`no service ${name}`);
  return index;
}
