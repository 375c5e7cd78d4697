using Grpc.Core;

namespace Kv.Cli.Calls;

/// <summary>What a failed call means for the caller.</summary>
internal enum FailureKind
{
    /// <summary>The request never left: no connection. Safe to send elsewhere.</summary>
    CannotConnect,

    /// <summary>
    /// The server answered UNAVAILABLE, its promise that nothing was published. Safe to send elsewhere.
    /// </summary>
    Unavailable,

    /// <summary>A read got no answer: too late, or the connection broke. Safe to ask elsewhere.</summary>
    NoAnswer,

    /// <summary>A write got no definite answer after it was sent. Not to be repeated.</summary>
    OutcomeUnknown,

    /// <summary>The server's definite no. Another node would say the same.</summary>
    Refused,

    /// <summary>The node has halted. Another node may hold other data: a person has to choose.</summary>
    DataLoss,

    /// <summary>The user stopped the call, and nothing can have been written.</summary>
    Interrupted,
}

/// <summary>One failed attempt at one target.</summary>
/// <param name="Target">Which node was asked.</param>
/// <param name="Kind">What it means.</param>
/// <param name="Code">The gRPC status as the client library has it.</param>
/// <param name="Detail">
/// The server's words, or why the connection failed; not yet safe for a terminal.
/// </param>
internal sealed record CallFailure(TargetAddress Target, FailureKind Kind, StatusCode Code, string Detail)
{
    /// <summary>The fail-over rule: whether the same command may go to the next target on its own.</summary>
    public bool MayTryNext =>
        Kind is FailureKind.CannotConnect or FailureKind.Unavailable or FailureKind.NoAnswer;

    /// <summary>
    /// Decides what a status means. Pure.
    /// </summary>
    /// <param name="isWrite">Whether the command changes the store.</param>
    /// <param name="interrupted">Whether the user asked to stop the call.</param>
    /// <param name="code">The status as the client library has it.</param>
    /// <param name="sent">Whether the request began to go out on a connection.</param>
    /// <param name="fromServer">
    /// Whether the status was sent by a gRPC server, not made up by the client.
    /// </param>
    public static FailureKind Classify(
        bool isWrite, bool interrupted, StatusCode code, bool sent, bool fromServer)
    {
        if (interrupted)
        {
            return isWrite && sent ? FailureKind.OutcomeUnknown : FailureKind.Interrupted;
        }

        if (!sent)
        {
            return FailureKind.CannotConnect;
        }

        FailureKind unanswered = isWrite ? FailureKind.OutcomeUnknown : FailureKind.NoAnswer;
        return code switch
        {
            StatusCode.Unavailable => fromServer ? FailureKind.Unavailable : unanswered,
            StatusCode.DeadlineExceeded => unanswered,
            StatusCode.DataLoss => FailureKind.DataLoss,
            // Codes of a fault somewhere: a server that fails after it published says the same.
            StatusCode.Unknown or StatusCode.Internal or StatusCode.Cancelled =>
                isWrite || !fromServer ? unanswered : FailureKind.Refused,
            _ => FailureKind.Refused,
        };
    }
}
