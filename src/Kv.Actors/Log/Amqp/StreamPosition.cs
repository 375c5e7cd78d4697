namespace Kv.Actors.Log.Amqp;

/// <summary>Where a reader of a stream begins.</summary>
/// <remarks>
/// The broker tells of nothing unusual: a place before the first retained entry means the first retained
/// one, and a place beyond the end waits there. Whether the first entry read is the one expected is the
/// reader's to check.
/// </remarks>
public readonly record struct StreamPosition
{
    private readonly object? _place;

    private StreamPosition(object place) => _place = place;

    /// <summary>The first entry retained.</summary>
    public static StreamPosition First { get; } = new("first");

    /// <summary>Whatever is appended from now on.</summary>
    public static StreamPosition Next { get; } = new("next");

    /// <summary>The entry at <paramref name="offset"/>, 0 or more, or the first after it.</summary>
    public static StreamPosition At(long offset)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        return new StreamPosition(offset);
    }

    public override string ToString() => $"{_place ?? "next"}";

    internal Dictionary<string, object?> ConsumerArguments =>
        new() { [AmqpTopology.OffsetHeader] = _place ?? "next" };
}
