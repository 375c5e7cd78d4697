using System.CommandLine;
using Kv.Actors.Snapshots;
using Kv.Core.Snapshots;

namespace Kv.Host;

/// <summary>kv-host snapshot status FILE: reads a snapshot to its end and says what is in it.</summary>
internal static class SnapshotCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("file") { Description = "A snapshot, as in KV_DATA_DIR/snapshots." };
        var status = new Command(
            "status", "Verifies a snapshot and shows what is in it. Exit code 1: damaged.")
        {
            file,
        };
        status.SetAction((parsed, stop) => ShowAsync(parsed.GetRequiredValue(file), stop));
        return new Command("snapshot", "Looks at snapshots.") { status };
    }

    private static async Task<int> ShowAsync(string path, CancellationToken stopping)
    {
        SnapshotSummary summary;
        try
        {
            summary = await SnapshotFiles.VerifyAsync(path, stopping);
        }
        catch (SnapshotException unusable)
        {
            Console.Error.WriteLine($"kv-host: {path} cannot be used. {unusable.Message}");
            return ExitCodes.Fatal;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"kv-host: {unreadable.Message}");
            return ExitCodes.Usage;
        }
        SnapshotHeader header = summary.Header;
        Console.WriteLine($"""
            cluster   {header.Genesis.ClusterId:x16}
            offset    {header.AppliedOffset}
            revision  {header.Revision}
            order     {header.Order}
            keys      {summary.Keys}
            producers {summary.Producers}
            requests  {summary.Requests}
            chain     {header.Chain}
            state     {summary.StateDigest}
            bytes     {summary.BytesLength}
            """);
        return ExitCodes.Ok;
    }
}
