//! Checks during delivery whether recipients may still get their copies. A member may have left, or the list
//! may have been deleted, on any node.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sealist_app::App;
use sealist_lists::model::DeliveryNo;
use tokio::task::JoinHandle;

/// How often the database is asked.
const PAUSE: Duration = Duration::from_millis(500);

/// The recipients of claimed copies who are gone. Dropping this value ends the checks.
pub(super) struct Gone {
    found: Arc<Mutex<HashSet<DeliveryNo>>>,
    looking: JoinHandle<()>,
}

impl Gone {
    /// Starts checking these recipients. They existed when they were claimed.
    pub(super) fn among(app: &App, rows: Vec<DeliveryNo>) -> Self {
        let found = Arc::new(Mutex::new(HashSet::new()));
        let (app, into) = (app.clone(), found.clone());
        let looking = tokio::spawn(async move {
            loop {
                tokio::time::sleep(PAUSE).await;
                // While the database is unreachable, nobody can leave.
                if let Ok(gone) = app.gone_copies(&rows).await {
                    into.lock().unwrap_or_else(PoisonError::into_inner).extend(gone);
                }
            }
        });
        Self { found, looking }
    }

    /// Whether that recipient is gone.
    pub(super) fn has(&self, row: DeliveryNo) -> bool {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).contains(&row)
    }
}

impl Drop for Gone {
    fn drop(&mut self) {
        self.looking.abort();
    }
}
