//! `sesame serve`: the embedded responder. Events in, alerts out, and a page on this machine to decide by.

mod announce;
mod desk;
mod events;
mod server;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::arguments::Serve;
use crate::failure::{Failure, report};
use desk::Desk;
use events::Arrived;

/// How long what is under way may take after Ctrl-C.
const LAST_CALL: Duration = Duration::from_secs(5);

/// Serves until it is told to stop.
pub fn run(arguments: &Serve) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::input(format!("the runtime could not be started: {error}")))?;
    runtime.block_on(serve(arguments))
}

async fn serve(arguments: &Serve) -> Result<ExitCode, Failure> {
    // An unreadable snapshot or folder is told before anything is waited for.
    sesame_snapshot::load(&arguments.snapshot)?;
    if let Some(folder) = &arguments.watch {
        events::check(folder)?;
    }
    let port = arguments.port;
    let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, port)).await.map_err(|error| {
        Failure::input(format!(
            "--port: 127.0.0.1:{port} could not be listened on: {error}; without --port a free one is taken"
        ))
    })?;
    let bound = listener.local_addr().map_err(|error| Failure::input(format!("the listening port: {error}")))?;
    let desk = Arc::new(Desk::open(arguments, bound.port())?);
    let stop = stop_signal()?;

    let (arrive, arrivals) = mpsc::channel(64);
    events::read_standard_input(arrive.clone());
    if let Some(folder) = arguments.watch.clone() {
        tokio::spawn(events::watch(folder, arrive));
    }
    desk.greet(arguments);
    tokio::spawn(server::listen(listener, Arc::clone(&desk)));
    let work = tokio::spawn(work(Arc::clone(&desk), arrivals));

    stop.await;
    desk.stop();
    // What is being written is finished; a second Ctrl-C does not wait.
    if tokio::time::timeout(LAST_CALL, work).await.is_err() {
        report("what was under way is not finished; it is taken up at the next start");
    }
    anstream::eprintln!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// Takes in what arrives and carries out what was decided, one after the other.
async fn work(desk: Arc<Desk>, mut arrivals: mpsc::Receiver<Arrived>) {
    let mut tick = tokio::time::interval(Duration::from_secs(60));
    loop {
        tokio::select! {
            () = desk.stopped() => return,
            Some(arrived) = arrivals.recv() => desk.take_in(arrived).await,
            () = desk.decided() => desk.carry_out().await,
            // At the start, too: a run that was cut off is taken up again.
            _ = tick.tick() => {
                desk.carry_out().await;
                desk.sweep().await;
            }
        }
    }
}

/// Ctrl-C, or the signal by which services are stopped.
fn stop_signal() -> Result<impl Future<Output = ()>, Failure> {
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .map_err(|error| Failure::input(format!("the signal to stop: {error}")))?;
    Ok(async move {
        #[cfg(unix)]
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    })
}
