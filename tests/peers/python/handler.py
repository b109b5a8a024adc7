"""The same job as one plain function: a Yotpo webhook comes in, its token is checked, its fields are mapped, it is claimed in a
table so that a repeat starts nothing, and one request goes to Rule.

Written as one would without this project: clients made once and kept, connections reused, secrets cached for five minutes, one
log line for each event. It keeps no picture of the member and no queue, has no lease and no pace.
"""

import hashlib
import hmac
import json
import os
import time
from datetime import datetime, timezone

import boto3
import urllib3
from botocore.config import Config
from botocore.exceptions import ClientError

CONFIG = Config(connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 3}, tcp_keepalive=True)
DYNAMODB = boto3.client("dynamodb", config=CONFIG)
SECRETS = boto3.client("secretsmanager", config=CONFIG)
HTTP = urllib3.PoolManager(timeout=urllib3.Timeout(connect=5, total=30), retries=False)

TABLE = os.environ["TABLE"]
PREFIX = os.environ["SECRET_PREFIX"]
RULE = os.environ["BRIDGE_RULE_URL"]
STORE_NAME = "Example Outdoor"
KEPT_FOR = 90 * 24 * 3600

# Kind: its tag, its groups of fields.
KINDS = {
    "coupon_awarded": ("CouponAwarded", ("customer", "reward", "perk")),
    "coupon_redeemed": ("CouponRedeemed", ("customer", "reward")),
    "birthday": ("Birthday", ("customer", "reward", "perk")),
    "birthday_captured": (None, ("customer", "birthday")),
    "anniversary": ("Anniversary", ("customer", "reward", "perk")),
    "anniversary_captured": (None, ("customer", "anniversary")),
    "donation_created": ("DonationCreated", ("customer", "reward")),
    "opted_in": ("LoyaltyOptIn", ("customer", "opt_in")),
    "opted_out": ("LoyaltyOptIn", ("customer", "opt_in")),
    "points_earned": ("PointsEarned", ("customer", "perk")),
    "points_reminder": ("PointsReminder", ("customer", "reward", "points_needed")),
    "redemption_reminder": ("RedemptionReminder", ("customer", "reward")),
    "referral_link_shared": ("RefferlLinkShare", ("share",)),
    "referral_share_reminder": ("ReferrelShareReminder", ("share", "product")),
    "referral_product_shared": (None, ("product",)),
    "referral_product_share_reminder": ("RefferlProductShareReminder", ("product",)),
    "referral_completed": ("ReferrelCompleted", ("customer", "perk", "referred")),
    "tier_earned": ("VIP Tier Earned", ("customer", "tier")),
    "tier_lost": ("TierLost", ("customer", "tier")),
    "tier_status_changed": ("TierStatusChanged", ("customer", "tier_stats")),
}
TOPICS = {
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
}
QUIET = {"birthday_captured", "anniversary_captured", "opted_out", "referral_product_shared"}

_secrets = {}


def secret(name):
    known = _secrets.get(name)
    if known and known[0] > time.monotonic():
        return known[1]
    value = json.loads(SECRETS.get_secret_value(SecretId=name)["SecretString"])
    _secrets[name] = (time.monotonic() + 300, value)
    return value


def text(key, value):
    if value is None:
        return None
    if isinstance(value, bool):
        value = "true" if value else "false"
    return {"key": key, "type": "text", "value": str(value)}


def moment(key, value):
    if not value:
        return None
    at = datetime.fromisoformat(value.replace("Z", "+00:00"))
    if at.tzinfo:
        at = at.astimezone(timezone.utc)
    return {"key": key, "type": "datetime", "value": at.strftime("%Y-%m-%d %H:%M:%S")}


def day(key, year, month, number):
    if not (year and month and number):
        return None
    return {"key": key, "type": "date", "value": f"{year:04}-{month:02}-{number:02}"}


def blanked(fields):
    """What is missing is emptied, so that no mail prints an earlier event's coupon."""
    return [field if isinstance(field, dict) else {"key": field, "type": "text", "value": ""} for field in fields]


def customer(body):
    who = body.get("customer") or body.get("referrer") or {}
    is_member = who.get("is_member")
    if is_member is None:
        is_member = ((body.get("referral_code") or {}).get("customer") or {}).get("is_member")
    return [
        text("Subscriber.FirstName", who.get("first_name")),
        text("Subscriber.LastName", who.get("last_name")),
        text("Yotpo.TotalSpendCents", who.get("total_spend_cents")),
        text("Yotpo.TotalPurchases", who.get("total_purchases")),
        moment("Yotpo.LastPurchaseAt", who.get("last_purchase_at")),
        text("Yotpo.PerksRedeemed", who.get("perks_redeemed")),
        text("Yotpo.PointsEarned", who.get("points_earned")),
        text("Yotpo.PointsBalance", who.get("points_balance")),
        moment("Yotpo.PointsExpireAt", who.get("points_expire_at")),
        moment("Yotpo.LastSeenAt", who.get("last_seen_at")),
        text("Yotpo.IsMember", is_member),
    ]


def reward(body):
    perk = body.get("perk") or {}
    redemption = body.get("redemption") or perk.get("redemption") or {}
    option = body.get("redemption_option") or perk.get("redemption_option") or {}
    description = option.get("description")
    values = {
        "Yotpo.RedemptionRewardText": redemption.get("reward_text"),
        "Yotpo.RedemptionName": option.get("name"),
        "Yotpo.RedemptionDescription": description[:2000] if description else None,
        "Yotpo.RedemptionAmount": option.get("amount"),
    }
    return blanked(text(key, value) or key for key, value in values.items())


def perk(body):
    perk = body.get("perk") or {}
    title = perk.get("history_title")
    values = {
        "Yotpo.PerkID": perk.get("id"),
        "Yotpo.PerkCampaignID": perk.get("campaign_id"),
        "Yotpo.PerkRewardPoints": perk.get("reward_points"),
        "Yotpo.PerkHistoryTitle": title[:2000] if title else None,
    }
    return blanked(text(key, value) or key for key, value in values.items())


def date_of(body, word):
    who = body.get("customer") or {}
    own = (who.get(f"{word}_year"), who.get(f"{word}_month"), who.get("birth_day" if word == "birthday" else f"{word}_day"))
    return own if all(own) else (body.get("year"), body.get("month"), body.get("day"))


def birthday(body):
    return [day("Subscriber.Birthday", *date_of(body, "birthday"))]


def anniversary(body):
    return [day("Subscriber.Anniversary", *date_of(body, "anniversary"))]


def opt_in(body):
    who = body["customer"]
    is_in = body["topic"] == "loyalty/opt_in"
    return [text("Yotpo.OptIn", is_in), moment("Yotpo.OptInDate", who.get("loyalty_opt_in_date"))]


def points_needed(body):
    return [text("Yotpo.RedemptionPointsNeeded", body.get("points_needed"))]


def share(body):
    sharer = body.get("customer") or {}
    return [
        text("Yotpo.ReferredByEmail", body.get("from") or sharer.get("email")),
        text("Yotpo.ReferredByFirstName", sharer.get("first_name")),
        text("Yotpo.ReferredByLastName", sharer.get("last_name")),
        text("Yotpo.ReferredByReferralLink", body.get("referral_link")),
    ]


def product(body):
    sharer = body.get("customer") or {}
    image = body.get("image_url")
    return [
        text("Yotpo.ProductReferredByEmail", body.get("from") or sharer.get("email")),
        text("Yotpo.ProductReferredByFirstName", sharer.get("first_name")),
        text("Yotpo.ProductReferredByLastName", sharer.get("last_name")),
        text("Yotpo.ProductReferralLink", body.get("product_referral_link")),
        text("Yotpo.ProductID", body.get("product_id")),
        text("Yotpo.ProductName", body.get("product_name")),
        text("Yotpo.ProductImageURL", image[:2000] if image else None),
    ]


def referred(body):
    friend = body.get("referred_customer") or {}
    return [
        text("Yotpo.ReferredToEmail", friend.get("email")),
        text("Yotpo.ReferredToFirstName", friend.get("first_name")),
        text("Yotpo.ReferredToLastName", friend.get("last_name")),
    ]


def tier(body):
    names = {
        "ID": "id", "Name": "name", "Description": "description", "PointsEarned": "points_earned",
        "AmountSpentCents": "amount_spent_cents", "PurchasesMade": "purchases_made", "PointsMultiplier": "points_multiplier",
        "Rank": "rank",
    }
    fields = []
    for prefix, key in (("NewTier", "new_tier"), ("OldTier", "old_tier")):
        entry = body.get(key) or {}
        for name, own in names.items():
            value = entry.get(own)
            if own == "points_multiplier" and value is not None:
                value = f"{float(value):g}"
            if own == "description" and value:
                value = value[:2000]
            fields.append(text(f"Yotpo.{prefix}{name}", value) or f"Yotpo.{prefix}{name}")
    return blanked(fields)


def tier_stats(body):
    current = {"Points": "pointsEarned", "AmountCents": "amountSpentCents", "Purchases": "purchasesMade", "Referrals": "referralsCompleted"}
    needed = {
        "Points": "points_needed", "AmountCents": "amount_cents_needed", "Purchases": "purchases_needed",
        "Referrals": "referrals_needed",
    }
    fields = []
    for group, key, names in (
        ("Current", "vip_stats", current), ("NeededMaintain", "vip_stats_needed_maintain", needed),
        ("NeededNext", "vip_stats_needed_next", needed),
    ):
        stats = body.get(key) or {}
        fields.extend(text(f"Yotpo.TierStats{group}{name}", stats.get(own)) for name, own in names.items())
    return fields


GROUPS = {
    "customer": customer, "reward": reward, "perk": perk, "birthday": birthday, "anniversary": anniversary, "opt_in": opt_in,
    "points_needed": points_needed, "share": share, "product": product, "referred": referred, "tier": tier, "tier_stats": tier_stats,
}


def kind_of(body):
    topic = body.get("topic")
    if topic == "swell/redemption/created":
        return "coupon_awarded" if isinstance(body.get("perk"), dict) else "coupon_redeemed"
    return TOPICS.get(topic)


def event_id(store, kind, body):
    for key in ("redemption", "perk"):
        number = (body.get(key) or {}).get("id")
        if number is not None and kind in ("coupon_awarded", "coupon_redeemed", "donation_created", "points_earned", "referral_completed"):
            return hashlib.sha256(f"{store}/{kind}/{key}/{number}".encode()).hexdigest()[:32]
    today = datetime.now(timezone.utc).date()
    return hashlib.sha256(f"{store}/{kind}/{today}/{body.get('email')}".encode()).hexdigest()[:32]


def request(kind, body, marker):
    tag, groups = KINDS[kind]
    fields = [text("Yotpo.StoreName", body.get("store_name") or STORE_NAME)]
    for group in groups:
        fields.extend(field for field in GROUPS[group](body) if field)
    request = {
        "update_on_duplicate": True, "auto_create_tags": True, "auto_create_fields": True,
        "automation": False if kind in QUIET else "reset",
        "tags": [tag, "Yotpo"] if tag else ["Yotpo"],
        "subscribers": {"email": body["email"].lower(), "fields": fields},
    }
    if kind in QUIET:
        request["sync_subscribers"] = False
    else:
        fields.append(text("Bridge.LastEvent", marker))
    return request


def answer(status):
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": "{}"}


def handle(event, _context):
    store = event["pathParameters"]["store"]
    presented = event["headers"].get("authorization", "").removeprefix("Bearer ")
    expected = secret(f"{PREFIX}/{store}/yotpo-webhook")["current"]
    if not hmac.compare_digest(presented.encode(), expected.encode()):
        return answer(401)
    body = json.loads(event["body"])
    kind = kind_of(body)
    if kind is None or not body.get("email"):
        return answer(200)

    marker = event_id(store, kind, body)
    key = {"pk": {"S": f"EVENT#{store}"}, "sk": {"S": marker}}
    now = int(time.time())
    claim = {**key, "kind": {"S": kind}, "outcome": {"S": "claimed"}, "at": {"N": str(now)}, "ttl": {"N": str(now + KEPT_FOR)}}
    try:
        DYNAMODB.put_item(TableName=TABLE, Item=claim, ConditionExpression="attribute_not_exists(pk)")
    except ClientError as error:
        if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
            return answer(200)
        raise

    api_key = secret(f"{PREFIX}/{store}/rule")["api_key"]
    reply = HTTP.request(
        "POST", f"{RULE}/api/v2/subscribers", body=json.dumps(request(kind, body, marker)).encode(),
        headers={"authorization": f"Bearer {api_key}", "content-type": "application/json"},
    )
    outcome = "sent" if reply.status == 200 else f"failed {reply.status}"
    DYNAMODB.update_item(
        TableName=TABLE, Key=key, UpdateExpression="SET #outcome = :outcome",
        ExpressionAttributeNames={"#outcome": "outcome"}, ExpressionAttributeValues={":outcome": {"S": outcome}},
    )
    print(json.dumps({"level": "INFO", "store": store, "kind": kind, "event": marker, "outcome": outcome}), flush=True)
    return answer(200 if reply.status == 200 else 500)
