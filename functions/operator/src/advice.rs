//! What a person can do about each thing that waits for one, in a sentence.

use delivery::List;

/// What to do about a row of a list that stands there for this reason.
pub(crate) fn what_to_do(list: List, reason: &str) -> &'static str {
    match (list, reason) {
        (List::Unconfirmed, _) => {
            "look at the person in the destination: if it arrived, replay it with as = sent; if not, replay it with confirm = true"
        }
        (List::Rejected, "invalid_address") => {
            "correct the address in the shop; then drop it with replay, as = dropped"
        }
        (List::Rejected, "invalid_value") => {
            "compare the field's type in the destination with the README's table; mend it there and replay it"
        }
        (List::Rejected, _) => {
            "read the reason's row in the README; replay it once the cause is mended, or drop it with as = dropped"
        }
        (List::Parked, "unauthorized") => {
            "put a valid key into the store's secret; it is sent by itself within minutes"
        }
        (List::Parked, "secret_missing") => {
            "make the secret that put_store names; it is sent by itself within minutes"
        }
        (List::Parked, "store_missing") => {
            "put the store's settings; it is sent by itself within minutes"
        }
        (List::Parked, "paused") => "resume the destination when its pause may end",
        (List::Parked, "waits_behind") => {
            "nothing: it is sent in its turn, after earlier news of the same person"
        }
        (List::Parked, _) => "nothing: it is sent by itself once the destination works again",
    }
}
