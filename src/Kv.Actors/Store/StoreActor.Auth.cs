using Kv.Core.Auth;

namespace Kv.Actors.Store;

/// <summary>Users and roles, for whoever has to know them without asking the store.</summary>
public sealed partial class StoreActor
{
    private readonly Action<AuthTable>? _onAuthChanged;
    private AuthTable? _publishedAuth;

    // Not while it catches up: what users might do once is no answer to anybody, and nothing is served then.
    private void PublishAuth()
    {
        if (_follower.HasCaughtUp && !ReferenceEquals(_publishedAuth, Store.Auth))
        {
            _publishedAuth = Store.Auth;
            _onAuthChanged?.Invoke(Store.Auth);
        }
    }
}
