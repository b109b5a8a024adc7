//! What a vendor presents where it asks us.

use loyalty::StoreId;
use platform::{Secrets, SecretsError};
use secrecy::{ExposeSecret, SecretString};
use vendors::Door;

/// The secret that a store's vendor is to present; none where it does not exist yet, or has another form.
///
/// # Errors
/// When Secrets Manager does not answer.
pub async fn token(
    secrets: &dyn Secrets,
    prefix: &str,
    (store, door): (&StoreId, &Door),
) -> Result<Option<SecretString>, SecretsError> {
    let name = format!("{prefix}/{store}/{}", door.connection);
    let secret = secrets.get(&name).await?;
    Ok(secret.and_then(|text| (door.token)(text.expose_secret())))
}
