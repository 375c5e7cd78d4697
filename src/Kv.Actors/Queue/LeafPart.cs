using Kv.Core.Merge;

namespace Kv.Actors.Queue;

/// <summary>Some or all versions of a leaf, in key order.</summary>
/// <param name="IsComplete">The leaf ends here.</param>
internal sealed record LeafPart(int Leaf, IReadOnlyList<VersionedValue> Versions, bool IsComplete);
