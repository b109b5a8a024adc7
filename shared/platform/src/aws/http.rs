//! The HTTP client under the SDK.

use std::{mem, time::Duration};

use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use reqwest::{Client, Request, redirect::Policy};

use crate::tls;

/// The vendors' HTTP library in place of the SDK's own: one stack instead of two, no HTTP/2 that no AWS request of ours
/// uses, and compiled-in roots instead of a walk through the machine's. A quarter of every binary and half of its start.
#[derive(Debug, Clone)]
pub(super) struct Http(Option<Client>);

impl Http {
    /// Connections are made within two seconds. A client that cannot be made is said by each request that would use it.
    #[expect(clippy::disallowed_methods, reason = "this is the one client for AWS")]
    pub(super) fn new() -> Self {
        let client = tls::client_config().ok().and_then(|tls| {
            Client::builder()
                .tls_backend_preconfigured(tls)
                .redirect(Policy::none())
                .connect_timeout(Duration::from_secs(2))
                // AWS keeps idle connections for 20 s and more; one that died while the function was frozen is retried.
                .pool_idle_timeout(Duration::from_secs(15))
                .no_proxy()
                .build()
                .ok()
        });
        Self(client)
    }
}

impl HttpClient for Http {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Http {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move {
            let client = client.ok_or_else(|| {
                ConnectorError::other("the TLS library did not start".into(), None)
            })?;
            send(&client, request).await
        })
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "AWS bounds its answers; the largest is a page of a megabyte of rows"
)]
async fn send(client: &Client, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let request = request
        .try_into_http1x()
        .map_err(|error| ConnectorError::user(error.into()))?
        // Every request of ours is in memory; a copy lets the SDK send it again.
        .map(|body| body.bytes().unwrap_or_default().to_vec());
    let request = Request::try_from(request)
        .map_err(|error| ConnectorError::user(error.without_url().into()))?;
    let mut response = client.execute(request).await.map_err(failure)?;
    let mut whole = http::Response::new(SdkBody::empty());
    *whole.status_mut() = response.status();
    *whole.headers_mut() = mem::take(response.headers_mut());
    *whole.body_mut() = response.bytes().await.map_err(failure)?.into();
    HttpResponse::try_from(whole).map_err(|error| ConnectorError::other(error.into(), None))
}

fn failure(error: reqwest::Error) -> ConnectorError {
    let (connect, timeout) = (error.is_connect(), error.is_timeout());
    let source = error.without_url().into();
    let error = if timeout {
        ConnectorError::timeout(source)
    } else {
        ConnectorError::io(source)
    };
    if connect {
        error.never_connected()
    } else {
        error
    }
}
