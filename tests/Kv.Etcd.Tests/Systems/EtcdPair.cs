namespace Kv.Etcd.Tests.Systems;

/// <summary>A real etcd and what is compared with it, both new.</summary>
internal sealed record EtcdPair(EtcdSystem Etcd, EtcdSystem Candidate) : IDisposable
{
    public static async Task<EtcdPair> StartAsync(string candidate)
    {
        Task<EtcdSystem> starting = EtcdProcess.StartAsync();
        EtcdSystem other;
        try
        {
            other = await Candidates.StartAsync(candidate);
        }
        catch
        {
            (await starting).Dispose();
            throw;
        }
        return new EtcdPair(await starting, other);
    }

    public void Dispose()
    {
        Etcd.Dispose();
        Candidate.Dispose();
    }
}
