using Kv.Etcd.Tests.Systems;

namespace Kv.Etcd.Tests.Etcdctl;

/// <summary>etcdctl says the same of a real etcd and of a candidate.</summary>
public sealed class EtcdctlTests
{
    public static TheoryData<string, string> All
    {
        get
        {
            var all = new TheoryData<string, string>();
            foreach (string name in Candidates.Names)
            {
                foreach (string script in Directory.EnumerateFiles(EtcdctlScript.Folder).Order())
                {
                    all.Add(name, Path.GetFileName(script));
                }
            }
            return all;
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_session_shows_what_it_shows_with_etcd(string name, string script)
    {
        EtcdctlScript session = EtcdctlScript.Load(script);
        using EtcdPair pair = await EtcdPair.StartAsync(name);

        IReadOnlyList<string>[] said = await Task.WhenAll(
            PlayAsync(pair.Etcd, session), PlayAsync(pair.Candidate, session));

        IEnumerable<string> differences = said[0].Zip(said[1])
            .Where(static both => both.First != both.Second)
            .Select(both => $"etcd:\n{both.First}\n{name}:\n{both.Second}");
        Assert.True(!differences.Any(), string.Join("\n\n", differences));
    }

    [Fact]
    public async Task Another_answer_is_another_session()
    {
        using EtcdSystem etcd = await EtcdProcess.StartAsync();

        EtcdctlScript first = EtcdctlScript.Parse(["$ put key 1", "$ get key"]);
        EtcdctlScript second = EtcdctlScript.Parse(["$ put key 2", "$ get key"]);
        IReadOnlyList<string> one = await PlayAsync(etcd, first);
        IReadOnlyList<string> other = await PlayAsync(etcd, second);

        Assert.Equal("$ get key\nexit code 0\nkey\n1\n", one[1]);
        Assert.Equal("$ get key\nexit code 0\nkey\n2\n", other[1]);
    }

    private static async Task<IReadOnlyList<string>> PlayAsync(EtcdSystem system, EtcdctlScript script)
    {
        using TemporaryDirectory directory = new();
        using EtcdctlSession session = new(system.Endpoint.Target, directory.Path);
        return await session.PlayAsync(script);
    }
}
