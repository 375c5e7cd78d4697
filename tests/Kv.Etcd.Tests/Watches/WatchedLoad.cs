using Kv.Etcd.Tests.Systems;
using Kv.Protos.Etcd;
using Kv.Testing.Watches;

namespace Kv.Etcd.Tests.Watches;

/// <summary>Several clients that write at once, and what they wrote. Any thread.</summary>
internal sealed class WatchedLoad(EtcdEndpoint endpoint)
{
    private static readonly string[] KeyNames = ["a/1", "a/2", "a/3", "b/1", "b/2"];

    private readonly System.Threading.Lock _lock = new();

    /// <summary>Everything acknowledged so far.</summary>
    public WriteHistory History { get; } = new();

    /// <summary>Writes by chance, one call after the other.</summary>
    public async Task WriteAsync(int seed, int writes)
    {
        var dice = new Random(seed);
        for (int i = 0; i < writes; i++)
        {
            string key = dice.GetItems(KeyNames, 1)[0];
            switch (dice.Next(6))
            {
                case < 3:
                    await PutAsync(key, $"{seed}-{i}");
                    break;
                case 3:
                    await DeleteAsync(key, "");
                    break;
                case 4:
                    await DeleteAsync("a/", "a0");
                    break;
                default:
                    await SeveralAsync($"{seed}-{i}");
                    break;
            }
        }
    }

    public async Task<long> PutAsync(string key, string value)
    {
        PutResponse put = await endpoint.Kv.PutAsync(Put(key, value));
        return Add(put.Header.Revision, [new KeyChange(key, value)]);
    }

    public async Task<long> DeleteAsync(string key, string end)
    {
        DeleteRangeResponse delete = await endpoint.Kv.DeleteRangeAsync(Delete(key, end));
        return Add(delete.Header.Revision, Deleted(delete));
    }

    // One revision with several events, on both prefixes.
    private async Task SeveralAsync(string value)
    {
        TxnResponse txn = await endpoint.Kv.TxnAsync(new TxnRequest
        {
            Success =
            {
                new RequestOp { RequestPut = Put("b/2", value) },
                new RequestOp { RequestDeleteRange = Delete("a/2", "a/9") },
                new RequestOp { RequestPut = Put("a/1", value) },
            },
        });
        Add(
            txn.Header.Revision,
            [
                new KeyChange("b/2", value),
                .. Deleted(txn.Responses[1].ResponseDeleteRange),
                new KeyChange("a/1", value),
            ]);
    }

    private long Add(long revision, KeyChange[] changes)
    {
        // A delete that found nothing has the revision of the write before.
        if (changes.Length > 0)
        {
            lock (_lock)
            {
                History.Add(revision, changes);
            }
        }
        return revision;
    }

    private static KeyChange[] Deleted(DeleteRangeResponse delete) =>
        [.. delete.PrevKvs.Select(static kv => new KeyChange(Keys.Text(kv.Key), null))];

    private static PutRequest Put(string key, string value) =>
        new() { Key = Keys.Of(key), Value = Keys.Of(value) };

    private static DeleteRangeRequest Delete(string key, string end) =>
        new() { Key = Keys.Of(key), RangeEnd = Keys.Of(end), PrevKv = true };
}
