using Kv.Core.Auth;
using Kv.Core.Entries;

namespace Kv.Core.Store;

/// <summary>Users and roles.</summary>
public sealed partial class KeyValueStore
{
    /// <summary>
    /// Users, roles and whether they count, as of now. The table itself never changes: another takes its
    /// place.
    /// </summary>
    public AuthTable Auth { get; private set; } = AuthTable.Empty;

    /// <summary>
    /// Whether whoever asks for a command may have it, as things stand at its place in the log.
    /// </summary>
    private StoreError? RefusedByAuth(LoggedCommand logged) =>
        AuthRules.Check(Auth, logged.Principal, logged.Command, _leases);

    private Reply ApplyAuth(AuthChange change)
    {
        StoreError? refused = Auth.Apply(change, out AuthTable changed);
        Auth = changed;
        return DoneUnless(refused);
    }
}
