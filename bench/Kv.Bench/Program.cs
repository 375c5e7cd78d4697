using System.Globalization;
using Kv.Bench.Scenarios;

const string Usage = """
    Usage: ./bench SCENARIO
      flood [SECONDS]    five times the most that the cluster can take, for 60 s
      restart [KEYS]     kill -9 of all three nodes with 1,000,000 keys in them, under load
      watch [WATCHES]    from a put to its event at 1,000 watches, against etcd (which has to be installed)
    Each starts what it needs, of its own, on this machine and prints a Markdown table.
    """;

int Number(int usual) => args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : usual;

switch (args.FirstOrDefault())
{
    case "flood":
        await Flood.RunAsync(TimeSpan.FromSeconds(Number(60)));
        return 0;
    case "restart":
        await Restart.RunAsync(Number(1_000_000));
        return 0;
    case "watch":
        await WatchLatency.RunAsync(Number(1_000));
        return 0;
    default:
        Console.Error.WriteLine(Usage);
        return 2;
}
