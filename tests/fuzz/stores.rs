//! Store documents: a store or faults, and every fault says where and what.

use serde_json::Value;
use vendors::Store;

#[test]
fn documents() {
    crate::run("stores", crate::events("stores"), law);
}

pub(crate) fn law(bytes: &[u8]) {
    let Ok(document) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    match Store::read(document.clone()) {
        Err(faults) => {
            assert!(!faults.is_empty(), "a refusal has a reason");
            for fault in faults {
                assert!(
                    !fault.path.is_empty() && !fault.message.is_empty(),
                    "{fault:?}"
                );
            }
        }
        Ok(store) => {
            // As the table keeps it.
            let text = document.to_string();
            let again = Store::read(serde_json::from_str(&text).unwrap());
            let again = again.unwrap_or_else(|faults| panic!("{faults:?}"));
            assert_eq!(format!("{again:?}"), format!("{store:?}"));
            assert_eq!(
                document["store"].as_str().unwrap().trim(),
                store.id.as_str()
            );
        }
    }
}
