//! Writes members into the customers of Gorgias.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    pushers::serve(&vendors::gorgias::Gorgias).await
}
