namespace Kv.Actors.Proposals;

/// <summary>The versions of apply that a live member's build runs.</summary>
public sealed record MemberVersions(string NodeId, int VersionMin, int VersionMax);

/// <summary>When the cluster goes on to a newer version of apply.</summary>
public static class VersionDecision
{
    /// <summary>
    /// The newest version that all members run, if that is above the cluster's; null: none, or not all
    /// members are there to be asked. A member that is away and cannot run it would be shut out.
    /// </summary>
    /// <param name="clusterSize">Members the cluster is meant to have; 0: not said, counted as 1.</param>
    /// <param name="members">All that are live, this node among them.</param>
    public static int? Next(int clusterVersion, int clusterSize, IReadOnlyList<MemberVersions> members)
    {
        int present = members.Select(static member => member.NodeId).Distinct().Count();
        if (present < Math.Max(1, clusterSize))
        {
            return null;
        }
        int version = members.Min(static member => member.VersionMax);
        return version > clusterVersion && members.All(member => member.VersionMin <= version)
            ? version
            : null;
    }
}
