//! Brings members, changes and points to Annex Cloud.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    pushers::serve(&vendors::annexcloud::AnnexCloud).await
}
