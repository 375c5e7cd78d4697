using Akka.Actor;

namespace Kv.Actors.Queue;

/// <summary>What the actors tell the world outside about the node's life.</summary>
internal sealed class QueueNodeSignals
{
    /// <summary>The actors that calls go to.</summary>
    public TaskCompletionSource<(IActorRef Store, IActorRef Presence)> Children { get; } =
        New<(IActorRef, IActorRef)>();

    /// <summary>The node may run beside the others, or why not.</summary>
    public TaskCompletionSource Admitted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The actors have ended, whatever the reason.</summary>
    public CancellationTokenSource Ended { get; } = new();

    private static TaskCompletionSource<T> New<T>() =>
        new(TaskCreationOptions.RunContinuationsAsynchronously);
}
