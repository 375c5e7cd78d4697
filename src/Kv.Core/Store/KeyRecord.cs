namespace Kv.Core.Store;

/// <summary>What the store holds under a key, as etcd counts it. Immutable: views share it.</summary>
/// <param name="Value">The store's own copy.</param>
/// <param name="CreateRevision">Revision of the put that made the key.</param>
/// <param name="ModRevision">Revision of the last put.</param>
/// <param name="Version">Puts since the key was made, from 1.</param>
/// <param name="LeaseId">The lease the key hangs on; 0: none.</param>
public sealed record KeyRecord(
    byte[] Value, long CreateRevision, long ModRevision, long Version, long LeaseId);
