//! What a vendor presents where it asks us.

use loyalty::StoreId;
use platform::{Secrets, SecretsError};
use secrecy::{ExposeSecret, SecretString};
use vendors::{Door, Inlet};

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
    let inlet = secret.and_then(|text| serde_json::from_str::<Inlet>(text.expose_secret()).ok());
    Ok(inlet.map(|inlet| inlet.current))
}
