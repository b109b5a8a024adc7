//! Ports that break at the k-th call and stay broken until they are mended: a crash, as the world outside sees it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
};

use async_trait::async_trait;
use delivery::{NoReply, Wire};
use platform::{
    Condition, Handed, Item, Listed, Outgoing, Page, Queue, QueueError, RowKey, Table, TableError,
    Transacted, Update, Write, Written,
};
use vendors::{Call, Reply, Way};

/// Breaks at one call. Its effect may still happen: the crash then came before the answer.
#[derive(Default)]
pub(crate) struct Fuse {
    calls: AtomicUsize,
    breaks_at: AtomicUsize,
    effect_happens: AtomicBool,
    armed: AtomicBool,
    panics: AtomicBool,
    once: AtomicBool,
}

enum Passes {
    Yes,
    /// The effect happens, and nobody hears of it.
    Silently,
    No,
}

impl Fuse {
    /// Breaks at the k-th call from now.
    pub(crate) fn arm(&self, k: usize, effect_happens: bool) {
        self.once.store(false, SeqCst);
        self.panics.store(false, SeqCst);
        self.calls.store(0, SeqCst);
        self.breaks_at.store(k, SeqCst);
        self.effect_happens.store(effect_happens, SeqCst);
        self.armed.store(true, SeqCst);
    }

    /// Fails at the k-th call from now, and at no other: the program goes on.
    pub(crate) fn fail_once(&self, k: usize, effect_happens: bool) {
        self.arm(k, effect_happens);
        self.once.store(true, SeqCst);
    }

    /// Panics at the k-th call from now, once.
    pub(crate) fn panic_at(&self, k: usize) {
        self.arm(k, false);
        self.panics.store(true, SeqCst);
    }

    /// How far the calls went since the fuse was armed.
    pub(crate) fn reached(&self) -> usize {
        self.calls.load(SeqCst)
    }

    /// Mends what broke; tells whether the program stopped by it.
    pub(crate) fn mend(&self) -> bool {
        self.armed.swap(false, SeqCst)
            && !self.once.load(SeqCst)
            && self.calls.load(SeqCst) >= self.breaks_at.load(SeqCst)
    }

    fn passes(&self) -> Passes {
        if !self.armed.load(SeqCst) {
            return Passes::Yes;
        }
        let call = self.calls.fetch_add(1, SeqCst) + 1;
        let breaks_at = self.breaks_at.load(SeqCst);
        if self.panics.load(SeqCst) {
            assert!(call != breaks_at, "kari@example.com breaks the program");
            return Passes::Yes;
        }
        if call < breaks_at || (call > breaks_at && self.once.load(SeqCst)) {
            Passes::Yes
        } else if call == breaks_at && self.effect_happens.load(SeqCst) {
            Passes::Silently
        } else {
            Passes::No
        }
    }
}

impl Fuse {
    /// A call of the table that changes nothing.
    async fn read<T>(
        &self,
        call: impl Future<Output = Result<T, TableError>>,
    ) -> Result<T, TableError> {
        // Whoever else is at work gets a turn between any two calls.
        tokio::task::yield_now().await;
        match self.passes() {
            Passes::Yes => call.await,
            Passes::Silently | Passes::No => Err(broken()),
        }
    }

    /// A call of the table that may happen although nobody learns of it.
    async fn write<T>(
        &self,
        call: impl Future<Output = Result<T, TableError>>,
    ) -> Result<T, TableError> {
        tokio::task::yield_now().await;
        match self.passes() {
            Passes::Yes => call.await,
            Passes::Silently => call.await.and(Err(broken())),
            Passes::No => Err(broken()),
        }
    }
}

/// A port behind the fuse.
pub(crate) struct Fused<T: ?Sized> {
    pub(crate) fuse: Arc<Fuse>,
    pub(crate) inner: Arc<T>,
}

fn broken() -> TableError {
    TableError::Unavailable("broken".to_owned())
}

#[async_trait]
impl<T: Table + ?Sized> Table for Fused<T> {
    async fn get(&self, key: &RowKey, consistent: bool) -> Result<Option<Item>, TableError> {
        self.fuse.read(self.inner.get(key, consistent)).await
    }

    async fn put(&self, item: Item, condition: Option<Condition>) -> Result<Written, TableError> {
        self.fuse.write(self.inner.put(item, condition)).await
    }

    async fn update(&self, key: &RowKey, update: Update) -> Result<Written, TableError> {
        self.fuse.write(self.inner.update(key, update)).await
    }

    async fn delete(
        &self,
        key: &RowKey,
        condition: Option<Condition>,
    ) -> Result<Written, TableError> {
        self.fuse.write(self.inner.delete(key, condition)).await
    }

    async fn page(
        &self,
        pk: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page, TableError> {
        self.fuse
            .read(self.inner.page(pk, prefix, after, limit))
            .await
    }

    async fn work(
        &self,
        list: &str,
        from: &str,
        until: &str,
        limit: usize,
    ) -> Result<Vec<Listed>, TableError> {
        self.fuse
            .read(self.inner.work(list, from, until, limit))
            .await
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<Transacted, TableError> {
        self.fuse.write(self.inner.transact(writes)).await
    }
}

#[async_trait]
impl<T: Queue + ?Sized> Queue for Fused<T> {
    async fn send(&self, url: &str, messages: Vec<Outgoing>) -> Vec<usize> {
        let all = messages.iter().map(|message| message.id).collect();
        // Whoever else is at work gets a turn between any two calls.
        tokio::task::yield_now().await;
        match self.fuse.passes() {
            Passes::Yes => self.inner.send(url, messages).await,
            Passes::Silently => {
                self.inner.send(url, messages).await;
                all
            }
            Passes::No => all,
        }
    }

    async fn hide(&self, url: &str, receipt: &str, seconds: u32) -> Result<(), QueueError> {
        // Whoever else is at work gets a turn between any two calls.
        tokio::task::yield_now().await;
        match self.fuse.passes() {
            Passes::Yes => self.inner.hide(url, receipt, seconds).await,
            Passes::Silently | Passes::No => Err(QueueError("broken".to_owned())),
        }
    }

    async fn receive(
        &self,
        url: &str,
        limit: usize,
        hidden_seconds: u32,
    ) -> Result<Vec<Handed>, QueueError> {
        // Whoever else is at work gets a turn between any two calls.
        tokio::task::yield_now().await;
        match self.fuse.passes() {
            Passes::Yes => self.inner.receive(url, limit, hidden_seconds).await,
            // They are handed out, and nobody has them until their time is over.
            Passes::Silently => self
                .inner
                .receive(url, limit, hidden_seconds)
                .await
                .and(Err(QueueError("broken".to_owned()))),
            Passes::No => Err(QueueError("broken".to_owned())),
        }
    }

    async fn delete(&self, url: &str, receipts: Vec<String>) -> Result<Vec<String>, QueueError> {
        // Whoever else is at work gets a turn between any two calls.
        tokio::task::yield_now().await;
        match self.fuse.passes() {
            Passes::Yes => self.inner.delete(url, receipts).await,
            Passes::Silently => self
                .inner
                .delete(url, receipts)
                .await
                .and(Err(QueueError("broken".to_owned()))),
            Passes::No => Err(QueueError("broken".to_owned())),
        }
    }
}

#[async_trait]
impl<T: Wire + ?Sized> Wire for Fused<T> {
    async fn send(&self, call: &Call, way: &Way<'_>) -> Result<Reply, NoReply> {
        // Whoever else is at work gets a turn between any two calls.
        tokio::task::yield_now().await;
        match self.fuse.passes() {
            Passes::Yes => self.inner.send(call, way).await,
            Passes::Silently => {
                let _ = self.inner.send(call, way).await;
                Err(NoReply::NotAnswered)
            }
            Passes::No => Err(NoReply::NotAnswered),
        }
    }
}
