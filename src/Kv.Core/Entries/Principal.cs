namespace Kv.Core.Entries;

/// <summary>
/// Who asks for a command, as the node that took the call knew it. Apply checks against the table of its own
/// place in the log whether that still holds.
/// </summary>
/// <param name="User">A user's name; empty: <see cref="Cluster"/>.</param>
/// <param name="AuthRevision">
/// <see cref="Auth.AuthTable.Revision"/> of the table that the name was looked up in: a user that was made
/// anew or got another password since is not the one who asked.
/// </param>
public sealed record Principal(string User, long AuthRevision)
{
    /// <summary>
    /// The cluster itself: what its nodes propose on their own is not asked for permission. No client is
    /// taken for it, for a user's name is never empty.
    /// </summary>
    public static Principal Cluster { get; } = new("", 0);

    public bool IsCluster => User.Length == 0;
}
