using Kv.Actors.Nodes;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Publishing;

/// <summary>
/// A client's command on its way to an answer. The edge and the publisher agree through it, once and for
/// all, whether the command was published: only one of <see cref="TryPublish"/> and <see
/// cref="TryAbandon"/> succeeds.
/// </summary>
/// <param name="letGo">Called once, when the publisher has no more to do with it. Any thread.</param>
public sealed class PendingCommand(
    Command command,
    RequestId? requestId,
    Action<PendingCommand>? letGo = null,
    Principal? principal = null)
{
    private const int Waiting = 0;
    private const int Published = 1;
    private const int Abandoned = 2;

    // Continuations must not run inside the actor that completes this.
    private readonly TaskCompletionSource<Reply> _reply =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    private int _state;
    private volatile bool _isApplied;

    /// <summary>How an answer without the level asked for begins.</summary>
    internal const string NotPersistedText = "Applied, not persisted.";

    public Command Command { get; } = command;

    public RequestId? RequestId { get; } = requestId;

    /// <summary>Who asks; null: nobody said.</summary>
    public Principal? Principal { get; } = principal;

    /// <summary>Upper bound of the bytes it adds to an entry.</summary>
    public int BytesMax { get; } = EntryCodec.CommandBytesMax(command, principal);

    /// <summary>The store's reply or a <see cref="KvException"/>.</summary>
    public Task<Reply> Reply => _reply.Task;

    /// <returns>True: it goes into an entry now, and its outcome is unknown until it is read back.</returns>
    public bool TryPublish() => Interlocked.CompareExchange(ref _state, Published, Waiting) == Waiting;

    /// <returns>True: it never will be published.</returns>
    public bool TryAbandon() => Interlocked.CompareExchange(ref _state, Abandoned, Waiting) == Waiting;

    /// <summary>It was applied, and is answered when it is persisted.</summary>
    public bool IsApplied => _isApplied;

    internal void NoteApplied() => _isApplied = true;

    public void Answer(Reply reply)
    {
        if (_reply.TrySetResult(reply))
        {
            letGo?.Invoke(this);
        }
    }

    public void Fail(KvError code, string message, Exception? cause = null)
    {
        if (_reply.TrySetException(new KvException(code, message, cause)))
        {
            letGo?.Invoke(this);
        }
    }
}
