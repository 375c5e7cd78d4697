using Kv.Actors.Nodes;
using Kv.Core.Merge;
using Kv.Core.Store;

namespace Kv.Actors.Queue;

/// <summary>A caller's command from the call to its answer.</summary>
/// <param name="message">Without origin: it gets its time and number when it is published.</param>
/// <param name="body">The message's JSON.</param>
internal sealed class PendingCommand(QueueMessage message, byte[] body)
{
    private readonly TaskCompletionSource<Reply> _answer =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    public QueueMessage Message { get; } = message;

    public byte[] Body { get; } = body;

    public Task<Reply> Answer => _answer.Task;

    /// <summary>Where the command stands in line; null: it does not. The line's own.</summary>
    public LinkedListNode<PendingCommand>? Place { get; set; }

    /// <summary>Someone waits for the answer still.</summary>
    public bool IsOpen => !_answer.Task.IsCompleted;

    public void Succeed(Reply reply) => _answer.TrySetResult(reply);

    public void Fail(KvError code, string because) => _answer.TrySetException(new KvException(code, because));
}
