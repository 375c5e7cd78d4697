using Akka.Streams.Dsl;

namespace Kv.Actors.Fanouts;

/// <summary>
/// A fanout exchange and this node's own queue on it: what is published reaches every queue that is bound at
/// the time, the publisher's own too, in the publisher's order but in no order between publishers.
/// </summary>
/// <remarks>Any thread.</remarks>
public interface IFanout : IAsyncDisposable
{
    /// <summary>Why nothing can be published at present, or null.</summary>
    string? UnavailableBecause { get; }

    /// <summary>Publishes one message; completes when the broker has taken it.</summary>
    /// <exception cref="Log.LogUnavailableException">Not published and never will be.</exception>
    /// <exception cref="Log.LogOutcomeUnknownException">It was handed over; it may arrive or not.</exception>
    Task PublishAsync(FanoutMessage message, CancellationToken stopping);

    /// <summary>
    /// This node's queue, declared and bound by each materialisation; the task completes when from then on
    /// nothing is missed. One materialisation at a time. It fails when the connection breaks; the caller runs
    /// it again.
    /// </summary>
    Source<IReadOnlyList<FanoutDelivery>, Task> Deliveries();
}

/// <summary>A message to publish. Body and headers must not change.</summary>
public sealed record FanoutMessage(
    ReadOnlyMemory<byte> Body, string ContentType, IReadOnlyDictionary<string, object?> Headers)
{
    public static readonly IReadOnlyDictionary<string, object?> NoHeaders = new Dictionary<string, object?>();
}

/// <summary>A message as it came; body and headers belong to the receiver.</summary>
/// <param name="Acknowledge">
/// To be called when it is dealt with; a queue that outlives us delivers it again until then.
/// </param>
public sealed record FanoutDelivery(
    ReadOnlyMemory<byte> Body, IReadOnlyDictionary<string, object?> Headers, Action Acknowledge);
