using System.Globalization;
using Kv.Actors.Presence;
using Kv.Core.Entries;

namespace Kv.Actors.Membership;

/// <summary>
/// What a peer said it had applied. It is a fact about the past: whatever becomes of the peer, the log had
/// this offset with this history once.
/// </summary>
/// <param name="Contents">Zero: not known.</param>
/// <param name="HeardAtMs">Monotonic, ms.</param>
internal sealed record PeerClaim(
    string NodeId, long Incarnation, string Url, long Offset, Digest Chain, Digest Contents, long HeardAtMs)
{
    /// <summary>Null: the announcement claims nothing, or what no build of ours says.</summary>
    internal static PeerClaim? Of(Announcement announced, long nowMs) =>
        announced.AppliedOffset >= 0 && TryRead(announced.Digest, out Digest chain)
            ? new PeerClaim(
                announced.NodeId,
                announced.Incarnation,
                announced.Url,
                announced.AppliedOffset,
                chain,
                TryRead(announced.Contents, out Digest contents) ? contents : Digest.Zero,
                nowMs)
            : null;

    private static bool TryRead(string text, out Digest digest)
    {
        bool isDigest = UInt128.TryParse(
            text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out UInt128 number)
            && text.Length == 2 * Digest.BytesLength;
        digest = isDigest ? new Digest((ulong)(number >> 64), (ulong)number) : Digest.Zero;
        return isDigest;
    }
}
