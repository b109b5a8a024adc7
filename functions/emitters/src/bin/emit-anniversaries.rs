//! Brings anniversaries, at 11:00 UTC.

use loyalty::due::Due;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    emitters::serve(&[Due::Anniversary]).await
}
