using Google.Protobuf;
using Grpc.Core;
using Kv.Host.Tests.Hosting;
using Kv.Protos.Etcd;

namespace Kv.Host.Tests.Etcd;

/// <summary>What a node does with its history and its quota by itself.</summary>
public sealed class UpkeepTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Beyond_its_quota_nothing_is_added_until_the_alarm_is_cleared()
    {
        await using HostProcess host = await HostProcess.StartAsync(new HostStart
        {
            Environment = new Dictionary<string, string>
            {
                ["KV_QUOTA_BYTES"] = "100000",
                ["KV_AUTO_COMPACTION"] = "off",
            },
        });
        var kv = new KV.KVClient(host.Channel(1));
        var maintenance = new Maintenance.MaintenanceClient(host.Channel(1));
        PutRequest put = Put("a", 50_000);
        Status refused = await UntilAsync(async () =>
        {
            try
            {
                await kv.PutAsync(put);
                return null;
            }
            catch (RpcException full)
            {
                return full.Status;
            }
        });

        long revision = (await kv.DeleteRangeAsync(new DeleteRangeRequest { Key = put.Key })).Header.Revision;
        await kv.CompactAsync(new CompactionRequest { Revision = revision });
        AlarmResponse raised = await maintenance.AlarmAsync(new AlarmRequest());
        await maintenance.AlarmAsync(new AlarmRequest
        {
            Action = AlarmRequest.Types.AlarmAction.Deactivate,
            MemberID = raised.Alarms.Single().MemberID,
            Alarm = AlarmType.Nospace,
        });
        await kv.PutAsync(Put("b", 10));

        Assert.Equal(
            (StatusCode.ResourceExhausted, "etcdserver: mvcc: database space exceeded"),
            (refused.StatusCode, refused.Detail));
        Assert.Equal(AlarmType.Nospace, raised.Alarms.Single().Alarm);
    }

    [Fact]
    public async Task History_is_compacted_to_the_revisions_that_are_kept()
    {
        await using HostProcess host = await HostProcess.StartAsync(new HostStart
        {
            Environment = new Dictionary<string, string> { ["KV_AUTO_COMPACTION"] = "revisions:10" },
        });
        var kv = new KV.KVClient(host.Channel(1));
        for (int i = 0; i < 30; i++)
        {
            await kv.PutAsync(Put("a", i));
        }

        Status refused = await UntilAsync(async () =>
        {
            try
            {
                await kv.RangeAsync(new RangeRequest { Key = Put("a", 0).Key, Revision = 20 });
                return null;
            }
            catch (RpcException compacted)
            {
                return compacted.Status;
            }
        });
        RangeResponse kept = await kv.RangeAsync(new RangeRequest { Key = Put("a", 0).Key, Revision = 22 });

        Assert.Equal(StatusCode.OutOfRange, refused.StatusCode);
        Assert.Equal(22, kept.Kvs.Single().ModRevision);
    }

    private static PutRequest Put(string key, int length) => new()
    {
        Key = ByteString.CopyFromUtf8(key),
        Value = ByteString.CopyFrom(new byte[length]),
    };

    private static async Task<Status> UntilAsync(Func<Task<Status?>> ask)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            if (await ask() is { } status)
            {
                return status;
            }
            await Task.Delay(50, patience.Token);
        }
    }
}
