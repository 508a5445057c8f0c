//! A queue of messages that show later.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azure_storage_queue::models::{
    PeekedMessage, QueueClientGetPropertiesResultHeaders, QueueClientPeekMessagesOptions,
    QueueClientReceiveMessagesOptions, QueueClientSendMessageOptions, QueueMessage,
    ReceivedMessage,
};
use azure_storage_queue::{QueueClient, QueueClientOptions};

use super::account::{Account, Failure};
use super::cause::{StorageCause, StorageError};
use super::{Queue, Taken};
use crate::upstream::azure::AzureHttp;

/// The longest that a message can be hidden: seven days.
const LONGEST: u64 = 7 * 24 * 60 * 60;
/// What the service takes for "never expires".
const FOR_EVER: i32 = -1;
/// The most messages that can be taken at once.
const MOST: u8 = 32;
const NO_QUEUE: &str = "QueueNotFound";
const SEND: &str = "send a message to queue";

/// A queue of the account.
#[derive(Clone)]
pub struct StorageQueue {
    account: Arc<Account>,
    name: &'static str,
}

#[async_trait]
impl Queue for StorageQueue {
    async fn send(&self, text: &str, delay: Duration) -> Result<(), StorageError> {
        let mut sent = self.post(text, delay).await;
        if sent.as_ref().is_err_and(|it| it.is(&[NO_QUEUE])) {
            self.create().await?;
            sent = self.post(text, delay).await;
        }
        sent.map_err(|it| it.cause.of(SEND, self.name))
    }

    async fn take(&self, most: u8, hidden: Duration) -> Result<Vec<Taken>, StorageError> {
        const OPERATION: &str = "take messages from queue";
        let receive = |http| async move {
            let options = QueueClientReceiveMessagesOptions {
                number_of_messages: Some(most.clamp(1, MOST).into()),
                visibility_timeout: Some(seconds(hidden).max(1)),
                ..QueueClientReceiveMessagesOptions::default()
            };
            let client = self.client(&http)?;
            client.receive_messages(Some(options)).await?.into_model()
        };
        let received = match self.account.perform(OPERATION, receive).await {
            Ok(messages) => messages.items.unwrap_or_default(),
            Err(failure) if failure.is(&[NO_QUEUE]) => Vec::new(),
            Err(failure) => return Err(failure.cause.of(OPERATION, self.name)),
        };
        let taken: Option<_> = received.into_iter().map(taken).collect();
        taken.ok_or_else(|| StorageCause::Unreadable.of(OPERATION, self.name))
    }

    async fn remove(&self, taken: &Taken) -> Result<(), StorageError> {
        const OPERATION: &str = "remove a message from queue";
        const GONE: &[&str] = &["MessageNotFound", "PopReceiptMismatch", NO_QUEUE];
        let delete = |http| async move {
            let client = self.client(&http)?;
            client.delete_message(&taken.id, &taken.receipt, None).await
        };
        match self.account.perform(OPERATION, delete).await {
            Ok(_) => Ok(()),
            Err(failure) if failure.is(GONE) => Ok(()),
            Err(failure) => Err(failure.cause.of(OPERATION, self.name)),
        }
    }
}

impl StorageQueue {
    pub(super) const fn new(account: Arc<Account>, name: &'static str) -> Self {
        Self { account, name }
    }

    /// Adds a message that shows only in a minute, and removes it at once: proves that we may, and nobody ever sees it. The queue
    /// is created if it is not there.
    pub async fn probe(&self) -> Result<(), StorageError> {
        let mut sent = self.post_hidden().await;
        if sent.as_ref().is_err_and(|it| it.is(&[NO_QUEUE])) {
            self.create().await?;
            sent = self.post_hidden().await;
        }
        let sent = sent.map_err(|it| it.cause.of(SEND, self.name))?;
        let sent = sent.ok_or_else(|| StorageCause::Unreadable.of(SEND, self.name))?;
        self.remove(&sent).await
    }

    /// About how many messages there are, those that nobody sees yet among them.
    pub async fn depth(&self) -> Result<u64, StorageError> {
        const OPERATION: &str = "count the messages of queue";
        let look = |http| async move { self.client(&http)?.get_properties(None).await };
        let count = match self.account.perform(OPERATION, look).await {
            Ok(answer) => answer.approximate_messages_count().ok().flatten(),
            Err(failure) if failure.is(&[NO_QUEUE]) => Some(0),
            Err(failure) => return Err(failure.cause.of(OPERATION, self.name)),
        };
        let count = count.and_then(|it| u64::try_from(it).ok());
        count.ok_or_else(|| StorageCause::Unreadable.of(OPERATION, self.name))
    }

    /// Adds a message that ends a moment after it would show; `None` if the answer does not tell how to remove it.
    async fn post_hidden(&self) -> Result<Option<Taken>, Failure> {
        const HIDDEN: i32 = 60;
        let post = |http| async move {
            let message = QueueMessage {
                message_text: Some("check".to_owned()),
            };
            let options = QueueClientSendMessageOptions {
                message_time_to_live: Some(HIDDEN + 1),
                visibility_timeout: Some(HIDDEN),
                ..QueueClientSendMessageOptions::default()
            };
            let client = self.client(&http)?;
            let sent = client.send_message(message.try_into()?, Some(options));
            sent.await?.into_model()
        };
        let sent = self.account.perform(SEND, post).await?;
        let sent = sent.items.unwrap_or_default().into_iter().next();
        Ok(sent.and_then(|sent| {
            Some(Taken {
                id: sent.message_id?,
                receipt: sent.pop_receipt?,
                text: String::new(),
            })
        }))
    }

    /// The texts of the first messages that are visible (at most 32), which stay as they are.
    pub async fn peek(&self, most: u8) -> Result<Vec<String>, StorageError> {
        const OPERATION: &str = "look at the messages of queue";
        let peek = |http| async move {
            let options = QueueClientPeekMessagesOptions {
                number_of_messages: Some(most.clamp(1, MOST).into()),
                ..QueueClientPeekMessagesOptions::default()
            };
            let client = self.client(&http)?;
            client.peek_messages(Some(options)).await?.into_model()
        };
        let seen = match self.account.perform(OPERATION, peek).await {
            Ok(messages) => messages.items.unwrap_or_default(),
            Err(failure) if failure.is(&[NO_QUEUE]) => Vec::new(),
            Err(failure) => return Err(failure.cause.of(OPERATION, self.name)),
        };
        let text = |message: PeekedMessage| message.message_text.unwrap_or_default();
        Ok(seen.into_iter().map(text).collect())
    }

    /// Adds a message. After a lost answer it is sent again: two cost little, none costs a referral.
    async fn post(&self, text: &str, delay: Duration) -> Result<(), Failure> {
        let send = |http| async move {
            let message = QueueMessage {
                message_text: Some(text.to_owned()),
            };
            let options = QueueClientSendMessageOptions {
                message_time_to_live: Some(FOR_EVER),
                visibility_timeout: Some(seconds(delay)),
                ..QueueClientSendMessageOptions::default()
            };
            let client = self.client(&http)?;
            client
                .send_message(message.try_into()?, Some(options))
                .await
        };
        let posted = self.account.perform(SEND, send).await;
        posted.map(drop)
    }

    async fn create(&self) -> Result<(), StorageError> {
        const OPERATION: &str = "create queue";
        let create = |http| async move { self.client(&http)?.create(None).await };
        let created = self.account.perform(OPERATION, create).await;
        created
            .map(drop)
            .map_err(|it| it.cause.of(OPERATION, self.name))
    }

    fn client(&self, http: &Arc<AzureHttp>) -> azure_core::Result<QueueClient> {
        let url = self.account.address(&self.account.queues, [self.name])?;
        let options = QueueClientOptions {
            client_options: http.options(),
            ..QueueClientOptions::default()
        };
        QueueClient::new(url, self.account.credential(), Some(options))
    }
}

/// Whole seconds, never fewer than asked for, within what a queue takes.
fn seconds(duration: Duration) -> i32 {
    let whole = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    i32::try_from(whole.min(LONGEST)).expect("seven days are few seconds")
}

/// `None` if it could not be removed later: it has no id or no receipt.
fn taken(message: ReceivedMessage) -> Option<Taken> {
    Some(Taken {
        id: message.message_id?,
        receipt: message.pop_receipt?,
        text: message.message_text.unwrap_or_default(),
    })
}
