//! What `cargo local deploy` asks of an account before it builds, asked of the local cloud.

use bridge_tests::local::account;
use bridge_tests::trouble::Result;

use crate::world;

#[tokio::test]
async fn the_account_is_asked_and_a_stranger_is_told_to_sign_in() -> Result<()> {
    let world = world().await;
    let stack = world.stack;
    let template = "MaximumConcurrency: 1";
    let of = |key: &str, secret: &str| {
        [
            ("AWS_ENDPOINT_URL".to_owned(), stack.endpoint_url.clone()),
            ("AWS_DEFAULT_REGION".to_owned(), stack.region.clone()),
            ("AWS_ACCESS_KEY_ID".to_owned(), key.to_owned()),
            ("AWS_SECRET_ACCESS_KEY".to_owned(), secret.to_owned()),
        ]
    };
    let ask = async |environment: [(String, String); 4]| {
        let pairs = environment.each_ref();
        let pairs = pairs.map(|(name, value)| (name.as_str(), value.as_str()));
        account::ask(&[], "", &pairs).await
    };
    let own = &stack.credentials;
    let known = ask(of(&own.aws_access_key_id, &own.aws_secret_access_key)).await?;
    let lines = known.verdict(template)?;
    assert!(lines[0].contains(&stack.region), "{lines:?}");
    let stranger = ask(of("a-stranger", "of-nobody")).await?;
    let told = stranger.verdict(template).expect_err("nobody").to_string();
    assert!(told.contains("sign in"), "{told}");
    Ok(())
}
