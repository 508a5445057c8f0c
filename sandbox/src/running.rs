//! A running sandbox: starting it, finding it, ending it.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use anyhow::Context as _;
use axum::Router;
use jiff::SignedDuration;
use openssl::ssl::SslAcceptor;
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use url::Url;

use crate::{
    certificates,
    control::Control,
    dataverse, deliveries, entra, flow, identity, insights, key_vault, partner_center, receiver,
    server::{self, Server},
    settings::{self, Paths, REFRESH_TOKEN_SECRET},
    storage::{self, Storage},
    tls::Authority,
    world::{Service, SharedWorld, Urls, World},
};

/// How a sandbox starts.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port of each service; one without an entry gets a free port.
    pub ports: BTreeMap<Service, u16>,
    /// The port of the storage's queues, whose blobs have the service's own; 0 is a free one.
    pub queue_port: u16,
    /// The port of the control API; 0 is a free one.
    pub control_port: u16,
    /// The least time every answer takes.
    pub latency: Duration,
    /// How far the sandbox's clock is ahead of the real one.
    pub clock_offset: SignedDuration,
    /// Whether consent was given and the vault holds the refresh token it yielded.
    pub consented: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ports: BTreeMap::new(),
            queue_port: 0,
            control_port: 0,
            latency: Duration::ZERO,
            clock_offset: SignedDuration::ZERO,
            consented: true,
        }
    }
}

/// A sandbox: every service listening until it is dropped.
pub struct Sandbox {
    world: SharedWorld,
    control_url: Url,
    files: Files,
    servers: Vec<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts every service on a free port of 127.0.0.1.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_with(Options::default()).await
    }

    /// Starts every service as `options` say.
    pub async fn start_with(options: Options) -> anyhow::Result<Self> {
        let listeners = bind(&options.ports).await?;
        let control_listener = listen(options.control_port, "the control API").await?;
        let control_url = Url::parse(&format!("http://{}/", control_listener.local_addr()?))?;
        let doors = Doors::bind(options.queue_port).await?;
        let urls = urls(&listeners)?;
        let account = storage::azurite::account().await?;
        let storage = Storage::new(account, &doors.addresses(urls.of(Service::Storage))?)?;
        let world = Arc::new(World::new(urls, storage)?);
        furnish(&world, &options);
        let authority = Authority::new().context("make the TLS authority")?;
        let files = Files::write(&world, &authority)?;
        let acceptor = authority.acceptor().context("make the TLS acceptor")?;
        let mut servers: Vec<_> = listeners
            .into_iter()
            .map(|(service, listener)| {
                let server = Server {
                    router: router(service, Arc::clone(&world)),
                    tls: service.is_tls().then(|| acceptor.clone()),
                    observed: Some((service, Arc::clone(&world))),
                };
                spawn(server, listener)
            })
            .collect();
        servers.extend(doors.open(&world, &acceptor));
        let control = Control {
            world: Arc::clone(&world),
            url: control_url.clone(),
            paths: files.paths.clone(),
        };
        servers.push(spawn(control.server(), control_listener));
        let dispatcher = deliveries::dispatch(Arc::clone(&world));
        servers.push(tokio::spawn(async move { match dispatcher.await {} }));
        Ok(Self {
            world,
            control_url,
            files,
            servers,
        })
    }

    /// What the sandbox holds, to seed and to read.
    pub fn world(&self) -> &SharedWorld {
        &self.world
    }

    /// The base URL of `service`, with a trailing slash; of the storage's two, the blobs'.
    pub fn url(&self, service: Service) -> Url {
        self.world.url(service).clone()
    }

    /// The base URL of the control API, with a trailing slash.
    pub fn control_url(&self) -> &Url {
        &self.control_url
    }

    /// The PEM file of the authority that every HTTPS service's certificate is under.
    pub fn ca_file(&self) -> &Path {
        &self.files.paths.authority
    }

    /// Every setting an unmodified connector needs, by the name of its environment variable.
    pub fn settings(&self) -> BTreeMap<String, String> {
        settings::settings(&self.world, &self.files.paths)
    }

    /// The same with a storage account that is opened by the managed identity in place of a connection string. The
    /// host stand-in polls no queues with these: it knows connection strings only.
    pub fn settings_with_identity(&self) -> BTreeMap<String, String> {
        let mut settings = self.settings();
        settings.remove(storage::CONNECTION);
        settings.extend(self.world.storage.identity_settings());
        settings
    }
}

/// The listeners of the storage account beside that of its blobs.
struct Doors {
    queues: TcpListener,
    secure_blobs: TcpListener,
    secure_queues: TcpListener,
}

impl Doors {
    async fn bind(queue_port: u16) -> anyhow::Result<Self> {
        Ok(Self {
            queues: listen(queue_port, "the storage's queues").await?,
            secure_blobs: listen(0, "the storage's blobs over HTTPS").await?,
            secure_queues: listen(0, "the storage's queues over HTTPS").await?,
        })
    }

    fn addresses(&self, blobs: &Url) -> anyhow::Result<storage::Addresses> {
        let address = |scheme: &str, listener: &TcpListener| {
            anyhow::Ok(Url::parse(&format!(
                "{scheme}://{}/",
                listener.local_addr()?
            ))?)
        };
        Ok(storage::Addresses {
            blobs: blobs.clone(),
            queues: address("http", &self.queues)?,
            secure_blobs: address("https", &self.secure_blobs)?,
            secure_queues: address("https", &self.secure_queues)?,
        })
    }

    fn open(self, world: &SharedWorld, acceptor: &SslAcceptor) -> [JoinHandle<()>; 3] {
        let server = |router, tls| Server {
            router,
            tls,
            observed: Some((Service::Storage, Arc::clone(world))),
        };
        let secure = |router| server(router, Some(acceptor.clone()));
        [
            spawn(server(storage::queues(world), None), self.queues),
            spawn(secure(storage::secure_blobs(world)), self.secure_blobs),
            spawn(secure(storage::secure_queues(world)), self.secure_queues),
        ]
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        for server in &self.servers {
            server.abort();
        }
    }
}

/// What a client has to read from disk, removed with the sandbox.
struct Files {
    paths: Paths,
    _directory: TempDir,
}

impl Files {
    fn write(world: &World, authority: &Authority) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir().context("make the sandbox's directory")?;
        let paths = Paths {
            authority: directory.path().join("ca.pem"),
            anchors: directory.path().join("callback-anchors.pem"),
        };
        std::fs::write(&paths.authority, authority.pem()?)
            .context("write the TLS authority's certificate")?;
        std::fs::write(&paths.anchors, world.certificates.lock().root_pem())
            .context("write the signing authority's root certificate")?;
        Ok(Self {
            paths,
            _directory: directory,
        })
    }
}

fn spawn(server: Server, listener: TcpListener) -> JoinHandle<()> {
    tokio::spawn(async move { match server::serve(server, listener).await {} })
}

fn furnish(world: &World, options: &Options) {
    world.faults.set_latency(options.latency);
    world.clock.advance(options.clock_offset);
    if options.consented {
        let now = world.clock.now();
        let token = world.entra.lock().issue_refresh_token(now);
        world
            .key_vault
            .lock()
            .put(REFRESH_TOKEN_SECRET, &token, now);
    }
}

fn router(service: Service, world: SharedWorld) -> Router {
    match service {
        Service::Entra => entra::router(world),
        Service::Identity => identity::router(world),
        Service::KeyVault => key_vault::router(world),
        Service::PartnerCenter => partner_center::router(world),
        Service::Dataverse => dataverse::router(world),
        Service::CertificateHost => certificates::router(world),
        Service::AuthorityHost => certificates::authority_router(world),
        Service::Flow => flow::router(world),
        Service::Receiver => receiver::router(),
        Service::Insights => insights::router(world),
        Service::Storage => storage::blobs(&world),
    }
}

async fn bind(ports: &BTreeMap<Service, u16>) -> anyhow::Result<BTreeMap<Service, TcpListener>> {
    let mut listeners = BTreeMap::new();
    for service in Service::ALL {
        let port = ports.get(&service).copied().unwrap_or(0);
        listeners.insert(service, listen(port, &service.to_string()).await?);
    }
    Ok(listeners)
}

async fn listen(port: u16, name: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(("127.0.0.1", port))
        .await
        .with_context(|| format!("listen on 127.0.0.1:{port} as {name}"))
}

fn urls(listeners: &BTreeMap<Service, TcpListener>) -> anyhow::Result<Urls> {
    let url = |(service, listener): (&Service, &TcpListener)| {
        let scheme = if service.is_tls() { "https" } else { "http" };
        let address = listener.local_addr()?;
        let url = Url::parse(&format!("{scheme}://{address}/"))?;
        anyhow::Ok((*service, url))
    };
    Ok(Urls::new(
        listeners.iter().map(url).collect::<Result<_, _>>()?,
    ))
}
