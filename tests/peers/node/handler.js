// The same job as one plain function: a Yotpo webhook comes in, its token is checked, its fields are mapped, it is claimed in a
// table so that a repeat starts nothing, and one request goes to Rule.
//
// Written as one would without this project: clients made once and kept, connections reused, secrets cached for five minutes, one
// log line for each event. It keeps no picture of the member and no queue, has no lease and no pace.

import { createHash, timingSafeEqual } from "node:crypto";
import http from "node:http";
import https from "node:https";

import { ConditionalCheckFailedException, DynamoDBClient, PutItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";

const dynamodb = new DynamoDBClient({ maxAttempts: 3 });
const secretsManager = new SecretsManagerClient({ maxAttempts: 3 });

const TABLE = process.env.TABLE;
const PREFIX = process.env.SECRET_PREFIX;
const RULE = new URL(process.env.BRIDGE_RULE_URL);
const STORE_NAME = "Example Outdoor";
const KEPT_FOR = 90 * 24 * 3600;

const web = RULE.protocol === "https:" ? https : http;
const agent = new web.Agent({ keepAlive: true });

// Kind: its tag, its groups of fields.
const KINDS = {
  coupon_awarded: ["CouponAwarded", ["customer", "reward", "perk"]],
  coupon_redeemed: ["CouponRedeemed", ["customer", "reward"]],
  birthday: ["Birthday", ["customer", "reward", "perk"]],
  birthday_captured: [null, ["customer", "birthday"]],
  anniversary: ["Anniversary", ["customer", "reward", "perk"]],
  anniversary_captured: [null, ["customer", "anniversary"]],
  donation_created: ["DonationCreated", ["customer", "reward"]],
  opted_in: ["LoyaltyOptIn", ["customer", "opt_in"]],
  opted_out: ["LoyaltyOptIn", ["customer", "opt_in"]],
  points_earned: ["PointsEarned", ["customer", "perk"]],
  points_reminder: ["PointsReminder", ["customer", "reward", "points_needed"]],
  redemption_reminder: ["RedemptionReminder", ["customer", "reward"]],
  referral_link_shared: ["RefferlLinkShare", ["share"]],
  referral_share_reminder: ["ReferrelShareReminder", ["share", "product"]],
  referral_product_shared: [null, ["product"]],
  referral_product_share_reminder: ["RefferlProductShareReminder", ["product"]],
  referral_completed: ["ReferrelCompleted", ["customer", "perk", "referred"]],
  tier_earned: ["VIP Tier Earned", ["customer", "tier"]],
  tier_lost: ["TierLost", ["customer", "tier"]],
  tier_status_changed: ["TierStatusChanged", ["customer", "tier_stats"]],
};
const TOPICS = {
  "swell/customer/birthday": "birthday",
  "swell/customer/birthday/captured": "birthday_captured",
  "swell/customer/anniversary": "anniversary",
  "swell/customer/anniversary/captured": "anniversary_captured",
  "loyalty/donation/created": "donation_created",
  "loyalty/opt_in": "opted_in",
  "loyalty/opt_out": "opted_out",
  "swell/points/earned": "points_earned",
  "swell/points/reminder": "points_reminder",
  "swell/redemption/reminder": "redemption_reminder",
  "swell/referral/share": "referral_link_shared",
  "swell/referral/share/reminder": "referral_share_reminder",
  "loyalty/referral/product_share": "referral_product_shared",
  "loyalty/referral/product_share/reminder": "referral_product_share_reminder",
  "swell/referral/completed": "referral_completed",
  "swell/tier/earned": "tier_earned",
  "swell/tier/lost": "tier_lost",
  "swell/tier/status/changed": "tier_status_changed",
};
const QUIET = new Set(["birthday_captured", "anniversary_captured", "opted_out", "referral_product_shared"]);
const BY_ID = new Set(["coupon_awarded", "coupon_redeemed", "donation_created", "points_earned", "referral_completed"]);

const secrets = new Map();

async function secret(name) {
  const known = secrets.get(name);
  if (known && known.until > Date.now()) return known.value;
  const found = await secretsManager.send(new GetSecretValueCommand({ SecretId: name }));
  const value = JSON.parse(found.SecretString);
  secrets.set(name, { value, until: Date.now() + 300_000 });
  return value;
}

const text = (key, value) => (value == null ? null : { key, type: "text", value: String(value) });

// What is missing is emptied, so that no mail prints an earlier event's coupon.
const textOrBlank = (key, value) => text(key, value) ?? { key, type: "text", value: "" };

function moment(key, value) {
  if (!value) return null;
  return { key, type: "datetime", value: new Date(value).toISOString().slice(0, 19).replace("T", " ") };
}

function day(key, year, month, number) {
  if (!year || !month || !number) return null;
  const two = (part) => String(part).padStart(2, "0");
  return { key, type: "date", value: `${String(year).padStart(4, "0")}-${two(month)}-${two(number)}` };
}

// Characters, not UTF-16 units.
const cut = (value) => (value && value.length > 2000 ? [...value].slice(0, 2000).join("") : value);

const dated = (word, dayKey, field) => (body) => {
  const who = body.customer ?? {};
  const own = [who[`${word}_year`], who[`${word}_month`], who[dayKey]];
  return [day(field, ...(own.every(Boolean) ? own : [body.year, body.month, body.day]))];
};

const TIER = {
  ID: "id", Name: "name", Description: "description", PointsEarned: "points_earned", AmountSpentCents: "amount_spent_cents",
  PurchasesMade: "purchases_made", PointsMultiplier: "points_multiplier", Rank: "rank",
};
const CURRENT = { Points: "pointsEarned", AmountCents: "amountSpentCents", Purchases: "purchasesMade", Referrals: "referralsCompleted" };
const NEEDED = {
  Points: "points_needed", AmountCents: "amount_cents_needed", Purchases: "purchases_needed", Referrals: "referrals_needed",
};

const GROUPS = {
  customer(body) {
    const who = body.customer ?? body.referrer ?? {};
    return [
      text("Subscriber.FirstName", who.first_name),
      text("Subscriber.LastName", who.last_name),
      text("Yotpo.TotalSpendCents", who.total_spend_cents),
      text("Yotpo.TotalPurchases", who.total_purchases),
      moment("Yotpo.LastPurchaseAt", who.last_purchase_at),
      text("Yotpo.PerksRedeemed", who.perks_redeemed),
      text("Yotpo.PointsEarned", who.points_earned),
      text("Yotpo.PointsBalance", who.points_balance),
      moment("Yotpo.PointsExpireAt", who.points_expire_at),
      moment("Yotpo.LastSeenAt", who.last_seen_at),
      text("Yotpo.IsMember", who.is_member ?? body.referral_code?.customer?.is_member),
    ];
  },
  reward(body) {
    const redemption = body.redemption ?? body.perk?.redemption;
    const option = body.redemption_option ?? body.perk?.redemption_option;
    return [
      textOrBlank("Yotpo.RedemptionRewardText", redemption?.reward_text),
      textOrBlank("Yotpo.RedemptionName", option?.name),
      textOrBlank("Yotpo.RedemptionDescription", cut(option?.description)),
      textOrBlank("Yotpo.RedemptionAmount", option?.amount),
    ];
  },
  perk(body) {
    return [
      textOrBlank("Yotpo.PerkID", body.perk?.id),
      textOrBlank("Yotpo.PerkCampaignID", body.perk?.campaign_id),
      textOrBlank("Yotpo.PerkRewardPoints", body.perk?.reward_points),
      textOrBlank("Yotpo.PerkHistoryTitle", cut(body.perk?.history_title)),
    ];
  },
  birthday: dated("birthday", "birth_day", "Subscriber.Birthday"),
  anniversary: dated("anniversary", "anniversary_day", "Subscriber.Anniversary"),
  opt_in(body) {
    return [text("Yotpo.OptIn", body.topic === "loyalty/opt_in"), moment("Yotpo.OptInDate", body.customer.loyalty_opt_in_date)];
  },
  points_needed: (body) => [text("Yotpo.RedemptionPointsNeeded", body.points_needed)],
  share(body) {
    const sharer = body.customer ?? {};
    return [
      text("Yotpo.ReferredByEmail", body.from ?? sharer.email),
      text("Yotpo.ReferredByFirstName", sharer.first_name),
      text("Yotpo.ReferredByLastName", sharer.last_name),
      text("Yotpo.ReferredByReferralLink", body.referral_link),
    ];
  },
  product(body) {
    const sharer = body.customer ?? {};
    return [
      text("Yotpo.ProductReferredByEmail", body.from ?? sharer.email),
      text("Yotpo.ProductReferredByFirstName", sharer.first_name),
      text("Yotpo.ProductReferredByLastName", sharer.last_name),
      text("Yotpo.ProductReferralLink", body.product_referral_link),
      text("Yotpo.ProductID", body.product_id),
      text("Yotpo.ProductName", body.product_name),
      text("Yotpo.ProductImageURL", cut(body.image_url)),
    ];
  },
  referred(body) {
    const friend = body.referred_customer ?? {};
    return [
      text("Yotpo.ReferredToEmail", friend.email),
      text("Yotpo.ReferredToFirstName", friend.first_name),
      text("Yotpo.ReferredToLastName", friend.last_name),
    ];
  },
  tier(body) {
    return [["NewTier", body.new_tier ?? {}], ["OldTier", body.old_tier ?? {}]].flatMap(([prefix, tier]) =>
      Object.entries(TIER).map(([name, own]) => {
        let value = tier[own];
        if (own === "points_multiplier" && value != null) value = Number(value);
        if (own === "description") value = cut(value);
        return textOrBlank(`Yotpo.${prefix}${name}`, value);
      }));
  },
  tier_stats(body) {
    return [
      ["Current", body.vip_stats, CURRENT], ["NeededMaintain", body.vip_stats_needed_maintain, NEEDED],
      ["NeededNext", body.vip_stats_needed_next, NEEDED],
    ].flatMap(([group, stats, names]) =>
      Object.entries(names).map(([name, own]) => text(`Yotpo.TierStats${group}${name}`, stats?.[own])));
  },
};

function kindOf(body) {
  if (body.topic === "swell/redemption/created") return body.perk ? "coupon_awarded" : "coupon_redeemed";
  return TOPICS[body.topic];
}

function eventId(store, kind, body) {
  const key = body.redemption ? "redemption" : "perk";
  const number = BY_ID.has(kind) ? body[key]?.id : null;
  const natural = number == null
    ? `${store}/${kind}/${new Date().toISOString().slice(0, 10)}/${body.email}`
    : `${store}/${kind}/${key}/${number}`;
  return createHash("sha256").update(natural).digest("hex").slice(0, 32);
}

function requestOf(kind, body, marker) {
  const [tag, groups] = KINDS[kind];
  const quiet = QUIET.has(kind);
  const fields = [text("Yotpo.StoreName", body.store_name ?? STORE_NAME)];
  for (const group of groups) fields.push(...GROUPS[group](body).filter(Boolean));
  if (!quiet) fields.push(text("Bridge.LastEvent", marker));
  return {
    update_on_duplicate: true, auto_create_tags: true, auto_create_fields: true,
    automation: quiet ? false : "reset",
    ...(quiet && { sync_subscribers: false }),
    tags: tag ? [tag, "Yotpo"] : ["Yotpo"],
    subscribers: { email: body.email.toLowerCase(), fields },
  };
}

function post(path, key, body) {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const call = web.request(new URL(path, RULE), { method: "POST", agent, headers, timeout: 30_000 }, (reply) => {
      reply.resume();
      reply.on("end", () => resolve(reply.statusCode));
      reply.on("error", reject);
    });
    call.on("timeout", () => call.destroy(new Error("no answer")));
    call.on("error", reject);
    call.end(body);
  });
}

function equal(left, right) {
  const [one, other] = [Buffer.from(left), Buffer.from(right)];
  return one.length === other.length && timingSafeEqual(one, other);
}

const answer = (statusCode) => ({ statusCode, headers: { "content-type": "application/json" }, body: "{}" });

export async function handle(event) {
  const store = event.pathParameters.store;
  const presented = (event.headers.authorization ?? "").replace(/^Bearer /, "");
  const expected = await secret(`${PREFIX}/${store}/yotpo-webhook`);
  if (!equal(presented, expected.current)) return answer(401);
  const body = JSON.parse(event.body);
  const kind = kindOf(body);
  if (!kind || !body.email) return answer(200);

  const marker = eventId(store, kind, body);
  const Key = { pk: { S: `EVENT#${store}` }, sk: { S: marker } };
  const now = Math.floor(Date.now() / 1000);
  const Item = { ...Key, kind: { S: kind }, outcome: { S: "claimed" }, at: { N: String(now) }, ttl: { N: String(now + KEPT_FOR) } };
  try {
    await dynamodb.send(new PutItemCommand({ TableName: TABLE, Item, ConditionExpression: "attribute_not_exists(pk)" }));
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return answer(200);
    throw error;
  }

  const { api_key: key } = await secret(`${PREFIX}/${store}/rule`);
  const status = await post("/api/v2/subscribers", key, JSON.stringify(requestOf(kind, body, marker)));
  const outcome = status === 200 ? "sent" : `failed ${status}`;
  await dynamodb.send(new UpdateItemCommand({
    TableName: TABLE, Key, UpdateExpression: "SET #outcome = :outcome",
    ExpressionAttributeNames: { "#outcome": "outcome" }, ExpressionAttributeValues: { ":outcome": { S: outcome } },
  }));
  console.log(JSON.stringify({ level: "INFO", store, kind, event: marker, outcome }));
  return answer(status === 200 ? 200 : 500);
}
