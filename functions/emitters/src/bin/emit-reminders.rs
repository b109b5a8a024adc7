//! Brings the four kinds of reminders, at 17:00 UTC.

use loyalty::due::Due;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    emitters::serve(&[
        Due::PointsReminder,
        Due::RedemptionReminder,
        Due::ReferralShareReminder,
        Due::ReferralProductShareReminder,
    ])
    .await
}
