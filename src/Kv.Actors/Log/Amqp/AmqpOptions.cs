using System.Text;

namespace Kv.Actors.Log.Amqp;

/// <summary>How to reach the broker and what to ask of it.</summary>
/// <remarks>Check with <see cref="Validate"/> before use; the factories do.</remarks>
public sealed record AmqpOptions
{
    /// <summary>
    /// Where the log is: one broker, or several of one RabbitMQ cluster. Shared by all connections of a node.
    /// </summary>
    public required BrokerList Brokers { get; init; }

    /// <summary>The fanout exchange every node publishes to. 1 to 200 bytes of UTF-8.</summary>
    public required string ExchangeName { get; init; }

    /// <summary>The stream that is the log. 1 to 255 bytes of UTF-8.</summary>
    public string StreamName { get => field ?? $"{ExchangeName}.log"; init; }

    /// <summary>
    /// Bytes the broker keeps of the log before it drops the oldest segments; from two segments up.
    /// Set when the stream is created; equal on all nodes.
    /// </summary>
    public long LogBytesMax { get; init; } = 8L << 30;

    /// <summary>
    /// Bytes in one segment file of the log: the grain of truncation; 4 KiB to 3 GB (the broker's maximum).
    /// Set when the stream is created; equal on all nodes.
    /// </summary>
    public long SegmentBytesMax { get; init; } = SegmentBytesDefault;

    /// <summary>64 MiB: many segments in the smallest log, few files in the largest.</summary>
    public const long SegmentBytesDefault = 64L << 20;

    /// <summary>
    /// Longest wait for a broker confirm, ms, 10 to 600,000. After it the outcome is unknown.
    /// </summary>
    public int ConfirmTimeoutMs { get; init; } = 5_000;

    /// <summary>
    /// Longest wait for a connection to one broker and for each answer while it is set up, ms, 10 to 600,000.
    /// </summary>
    public int ConnectTimeoutMs { get; init; } = 5_000;

    /// <summary>
    /// Shortest pause between attempts to connect, ms, from 1. It doubles with each failure.
    /// </summary>
    public int ReconnectDelayMsMin { get; init; } = 100;

    /// <summary>
    /// Longest pause between attempts to connect, ms, from <see cref="ReconnectDelayMsMin"/>.
    /// </summary>
    public int ReconnectDelayMsMax { get; init; } = 5_000;

    /// <summary>
    /// How long "home node down" is asked again before it is believed, ms, from 0: a broker says so of a
    /// sound stream for up to 0.6 s after its own restart.
    /// </summary>
    public int HomeNodeWaitMs { get; init; } = 2_000;

    /// <summary>
    /// Seconds between heartbeats, 1 to 600. A silent peer is given up after about two of them: a broker that
    /// stands still, or a cut link, must not keep a node for longer than a few seconds.
    /// </summary>
    public int HeartbeatS { get; init; } = 3;

    /// <summary>
    /// Unacknowledged deliveries a consumer asks for, 1 to 65,535. A stream goes on to the end of the
    /// chunk it is in, so a consumer holds up to this many and one chunk.
    /// </summary>
    public int Prefetch { get; init; } = 128;

    /// <summary>
    /// Publishes awaiting their confirm at a time, 1 to 1,024. Batching beats wide windows.
    /// </summary>
    public int WindowMax { get; init; } = 4;

    /// <summary>Publishes waiting for a place in the window, 1 to 65,536; further ones are refused.</summary>
    public int WaitingMax { get; init; } = 1_024;

    /// <summary>
    /// Largest body a consumer takes, bytes, 1 MiB to 512 MiB. Not below what the broker takes (128 MiB
    /// unless configured): a larger message, whoever published it, would break every reader at that place
    /// of the log.
    /// </summary>
    public int MessageBytesMax { get; init; } = 128 << 20;

    /// <summary>Names this process in the broker's list of connections.</summary>
    public string ClientName { get; init; } = "kv";

    /// <exception cref="ArgumentException">A value is out of its bounds; the text names it.</exception>
    public AmqpOptions Validate()
    {
        Require(Brokers.Uris.All(static uri => uri.Scheme is "amqp" or "amqps"),
            nameof(Brokers), "amqp:// or amqps://");
        RequireName(ExchangeName, nameof(ExchangeName), 200);
        RequireName(StreamName, nameof(StreamName), 255);
        RequireRange(SegmentBytesMax, 4 << 10, 3_000_000_000, nameof(SegmentBytesMax));
        RequireRange(LogBytesMax, 2 * SegmentBytesMax, long.MaxValue, nameof(LogBytesMax));
        RequireRange(ConfirmTimeoutMs, 10, 600_000, nameof(ConfirmTimeoutMs));
        RequireRange(ConnectTimeoutMs, 10, 600_000, nameof(ConnectTimeoutMs));
        RequireRange(ReconnectDelayMsMin, 1, 600_000, nameof(ReconnectDelayMsMin));
        RequireRange(ReconnectDelayMsMax, ReconnectDelayMsMin, 600_000, nameof(ReconnectDelayMsMax));
        RequireRange(HomeNodeWaitMs, 0, 600_000, nameof(HomeNodeWaitMs));
        RequireRange(HeartbeatS, 1, 600, nameof(HeartbeatS));
        RequireRange(Prefetch, 1, ushort.MaxValue, nameof(Prefetch));
        RequireRange(WindowMax, 1, 1_024, nameof(WindowMax));
        RequireRange(WaitingMax, 1, 65_536, nameof(WaitingMax));
        RequireRange(MessageBytesMax, 1 << 20, 512 << 20, nameof(MessageBytesMax));
        return this;
    }

    /// <summary>Without the addresses' credentials, which a record would print.</summary>
    public override string ToString() => $"{Brokers}, exchange {ExchangeName}, stream {StreamName}";

    private static void RequireName(string name, string option, int bytesMax) =>
        Require(Encoding.UTF8.GetByteCount(name) is var bytes && bytes >= 1 && bytes <= bytesMax,
            option, $"1 to {bytesMax} bytes of UTF-8");

    private static void RequireRange(long value, long min, long max, string option) =>
        Require(value >= min && value <= max, option, $"{min} to {max}, not {value}");

    private static void Require(bool met, string option, string bounds)
    {
        if (!met) { throw new ArgumentException($"{option} must be {bounds}.", option); }
    }
}
