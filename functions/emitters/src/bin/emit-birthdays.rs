//! Brings birthdays, at 13:00 UTC.

use loyalty::due::Due;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    emitters::serve(&[Due::Birthday]).await
}
