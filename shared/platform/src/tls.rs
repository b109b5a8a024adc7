//! The TLS that every connection of the product uses.

use std::sync::Arc;

use rustls::{ClientConfig, Error, RootCertStore, crypto::aws_lc_rs};

/// A client configuration with the roots of Mozilla's programme compiled in. Reading the machine's certificate directories
/// costs milliseconds of every cold start.
///
/// # Errors
/// When the TLS library does not start.
pub fn client_config() -> Result<ClientConfig, Error> {
    let roots = webpki_roots::TLS_SERVER_ROOTS.to_vec();
    Ok(
        ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(RootCertStore { roots })
            .with_no_client_auth(),
    )
}
