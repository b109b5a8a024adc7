//! Writes members and events to Rule.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    pushers::serve(&vendors::rule::Rule).await
}
