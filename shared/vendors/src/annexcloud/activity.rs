//! Which of our orders Annex Cloud has booked for a person.
//!
//! ASSUMED `annexcloud-activity`: each booking is an object with our `orderId`, in one list, alone or under any key; where
//! there is more than is shown, the answer says so by `nextPage`, `hasMore`, or a total that is larger than the list.

use serde_json::Value;

use super::{
    answer::{Said, said},
    body::At,
};
use crate::{Reply, Seen};

/// What a look at a person's activity shows.
pub(super) fn seen(reply: Option<&Reply>) -> Seen {
    match said(reply) {
        Said::Told(answer) => booked(&answer),
        // Of somebody whom Annex Cloud does not know nothing was booked.
        Said::Nobody => Seen::Booked(Vec::new()),
        Said::Exists => Seen::Unclear,
        Said::Failed(answer) => Seen::Failed(answer),
    }
}

/// An order that is not on a part of the list may have been booked all the same, so only the whole list tells.
fn booked(answer: &Value) -> Seen {
    match list(answer) {
        Some(list) if !has_more(answer, list.len()) => {
            let orders = list.iter().filter_map(|one| At::root(one).text("orderId"));
            Seen::Booked(orders.collect())
        }
        _ => Seen::Unclear,
    }
}

/// The one list of an answer.
fn list(answer: &Value) -> Option<&Vec<Value>> {
    if let Value::Array(list) = answer {
        return Some(list);
    }
    let root = At::root(answer);
    let inner = ["Data", "data"]
        .into_iter()
        .find_map(|key| root.at(key).value());
    if let Some(Value::Array(list)) = inner {
        return Some(list);
    }
    let keys = root.unwrapped().value()?.as_object()?;
    let mut lists = keys.values().filter_map(Value::as_array);
    let list = lists.next()?;
    lists.next().is_none().then_some(list)
}

fn has_more(answer: &Value, shown: usize) -> bool {
    let root = At::root(answer);
    let says = |at: At| {
        let next = at.text("nextPage").is_some() || at.flag("hasMore") == Some(true);
        let totals = ["total", "totalCount", "totalRecords"];
        let total = totals.iter().find_map(|key| at.int(key));
        next || total.is_some_and(|total| usize::try_from(total).is_ok_and(|total| total > shown))
    };
    says(root) || says(root.unwrapped())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Answer, Reason};

    fn look(status: u16, body: &Value) -> Seen {
        seen(Some(&Reply {
            status,
            retry_after: None,
            date: None,
            body: body.to_string().into_bytes(),
        }))
    }

    #[test]
    fn only_a_whole_list_tells_what_was_not_booked() {
        let one = json!({"orderId": "order-1", "credit": "50"});
        let booked = Seen::Booked(vec!["order-1".to_owned()]);
        let nothing = Seen::Booked(Vec::new());
        for (body, expected) in [
            (json!([one, {"credit": "5"}]), &booked),
            (json!({"Data": [one]}), &booked),
            (json!({"data": {"activities": [one], "total": 1}}), &booked),
            (json!({"activity": [one], "hasMore": false}), &booked),
            (json!({"id": "ada@example.com", "activity": []}), &nothing),
            (json!([]), &nothing),
            (json!({"errorCode": "AC1005"}), &nothing),
            (json!({"activity": [one], "nextPage": "2"}), &Seen::Unclear),
            (json!({"activity": [one], "hasMore": true}), &Seen::Unclear),
            (json!({"Data": [one], "totalRecords": "2"}), &Seen::Unclear),
            (json!({"earned": [one], "spent": []}), &Seen::Unclear),
            (json!({"id": "ada@example.com"}), &Seen::Unclear),
        ] {
            assert_eq!(&look(200, &body), expected, "{body}");
        }
        let unauthorized = Seen::Failed(Answer::Misconfigured(Reason::Unauthorized));
        assert_eq!(look(401, &json!({"errorCode": "AC1002"})), unauthorized);
    }
}
