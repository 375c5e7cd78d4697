using System.CommandLine;
using Kv.Actors.Presence;
using Kv.Host.Settings;

namespace Kv.Host.Recovery;

/// <summary>
/// kv-host recover: a command of its own and not an option of a start, as a start is repeated by whatever
/// looks after the process, and each repetition would found yet another cluster.
/// </summary>
internal static class RecoverCommand
{
    private const string About = """
        After a DATA_LOSS halt: makes this stopped node's state the base of a new cluster with a new log. Run
        it where the applied offset is highest. Asks the other members first. Deletes nothing: the old files
        go to before-recovery-… in the data directory. Step by step: docs/recovery.md.

        Exit codes: 0 done, 1 a file cannot be read or written, 2 an option cannot be used, 3 refused: the
        other members, or what is in the directory, speak against it. Nothing was changed then.
        """;

    public static Command Create()
    {
        var dataDir = new Option<string?>("--data-dir")
        {
            Description = "As of the node. Default: KV_DATA_DIR.",
        };
        var peers = new Option<string?>("--peers")
        {
            Description = "gRPC addresses of the other members, separated by commas. Default: KV_PEERS.",
        };
        var size = new Option<int?>("--cluster-size")
        {
            Description = "Members the cluster has, where it never was recorded or is recorded wrong.",
        };
        var acceptLoss = new Option<bool>("--accept-loss")
        {
            Description = "Go on whatever the other members say. Writes that this node has not are lost, "
                + "also such as were acknowledged as persisted.",
        };
        var join = new Option<string?>("--join")
        {
            Description = "For the other nodes, when the cluster was recovered: the new cluster's id. This "
                + "node puts its own state aside and takes the new cluster's.",
            HelpName = "cluster id",
        };
        var command = new Command("recover", About) { dataDir, peers, size, acceptLoss, join };
        command.SetAction((parsed, stop) => RunAsync(
            parsed.GetValue(dataDir), parsed.GetValue(peers), parsed.GetValue(size),
            parsed.GetValue(acceptLoss), parsed.GetValue(join), stop));
        return command;
    }

    private static async Task<int> RunAsync(
        string? dataDir, string? peers, int? size, bool acceptLoss, string? join, CancellationToken stop)
    {
        try
        {
            RecoverySettings settings = RecoverySettings.Read(
                HostCommand.Configuration(
                [
                    KeyValuePair.Create(Setting.DataDir.Name, dataDir),
                    KeyValuePair.Create(Setting.Peers.Name, peers),
                ]),
                size,
                acceptLoss,
                join);
            Console.Write(await new Recovery(settings).RunAsync(stop));
            return ExitCodes.Ok;
        }
        catch (Exception wrong) when (wrong is SettingException or InvalidDataException)
        {
            return Fail(wrong.Message, ExitCodes.Usage);
        }
        catch (Exception refused) when (refused is RecoveryRefusedException or NodeRefusedException)
        {
            return Fail(refused.Message, ExitCodes.Refused);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return Fail(failure.Message, ExitCodes.Fatal);
        }
    }

    private static int Fail(string why, int code)
    {
        Console.Error.WriteLine($"kv-host: {why}");
        return code;
    }
}
