namespace Kv.Cli.Calls;

/// <summary>
/// How far one call got on the wire. A gRPC status alone cannot say it: a refused connection, a connection
/// that broke under the call and a server that answers UNAVAILABLE all surface as UNAVAILABLE.
/// </summary>
internal sealed class CallTrace
{
    // Both only ever go from false to true, and are read after the call has ended.
    private volatile bool _sent;
    private volatile bool _answered;

    /// <summary>The request began to go out on an established connection: the server may have it.</summary>
    public bool Sent => _sent;

    /// <summary>
    /// A gRPC server began its answer, so a status without an exception is that server's own.
    /// </summary>
    public bool Answered => _answered;

    public void MarkSent() => _sent = true;

    public void MarkAnswered() => _answered = true;
}
