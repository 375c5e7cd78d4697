namespace Kv.Host.Grpc;

/// <summary>What a read of the simple API may miss, and what it costs.</summary>
internal enum ReadMode
{
    /// <summary>
    /// A command of its own in the log, with an order number on every node: sees what was acknowledged
    /// before it was asked. In queue mode, which has no total order, the node's own state.
    /// </summary>
    Linearizable = 1,

    /// <summary>
    /// Sees as much, but takes no order number: all reads that wait share one entry of the log.
    /// </summary>
    Barrier = 2,

    /// <summary>The node's own state at once; it may lag.</summary>
    Local = 3,
}
