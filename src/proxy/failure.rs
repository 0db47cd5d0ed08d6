//! What becomes of a request that failed: the status and the code, where there is still somebody to tell.

use http::StatusCode;
use pingora::http::ResponseHeader;
use pingora::proxy::Session as Downstream;
use pingora::{Error, ErrorSource, ErrorType};

/// The status of an answer to it; 0 where the client has gone, or takes nothing any more.
pub(super) fn status(error: &Error) -> u16 {
    match (error.etype(), error.esource()) {
        (ErrorType::HTTPStatus(status), _) => *status,
        (ErrorType::ReadTimedout | ErrorType::ConnectTimedout, ErrorSource::Upstream) => 504,
        (_, ErrorSource::Upstream) => 502,
        (
            ErrorType::WriteError
            | ErrorType::WriteTimedout
            | ErrorType::ReadError
            | ErrorType::ConnectionClosed
            | ErrorType::H2Error,
            ErrorSource::Downstream,
        ) => 0,
        (_, ErrorSource::Downstream) => 400,
        _ => 500,
    }
}

/// What the service desk looks it up by, where nothing better is known.
pub(super) fn code(status: u16) -> &'static str {
    match status {
        0 => "client-gone",
        413 => "body-too-large",
        502 | 504 => "upstream-unavailable",
        400 => "request-broken",
        _ => "internal-error",
    }
}

/// The answer that is under way. What may come before one, like early hints (RFC 9110, section 15.2), is none.
pub(super) fn answer(downstream: &Downstream) -> Option<&ResponseHeader> {
    let is_answer =
        |status: StatusCode| !status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS;
    downstream.response_written().filter(|head| is_answer(head.status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_fault_it_is_decides_the_status() {
        let error = |kind| Error::new(kind);
        for (error, expected) in [
            (error(ErrorType::ReadTimedout).into_up(), 504),
            (error(ErrorType::ReadError).into_up(), 502),
            (error(ErrorType::H2Error).into_down(), 0),
            (error(ErrorType::WriteTimedout).into_down(), 0),
            (error(ErrorType::ReadError).into_down(), 0),
            (error(ErrorType::ReadTimedout).into_down(), 400),
            (error(ErrorType::HTTPStatus(413)).into_down(), 413),
            (error(ErrorType::InternalError), 500),
        ] {
            assert_eq!(status(&error), expected, "{error}");
        }
    }
}
