using Grpc.Core;
using Kv.Cli.Calls;
using Kv.Cli.Commands;
using Kv.Cli.Etcd;
using Kv.Cli.Lines;

namespace Kv.Cli.Output;

/// <summary>Failed attempts as one sentence and an exit code. Pure.</summary>
internal static class FailureText
{
    /// <param name="command">What was asked.</param>
    /// <param name="attempts">
    /// At least one; all but the last are of kinds that may go on to the next target.
    /// </param>
    public static Failure Describe(Command command, IReadOnlyList<CallFailure> attempts)
    {
        CallFailure last = attempts[^1];
        (ExitCode exit, string message) = last.Kind switch
        {
            FailureKind.OutcomeUnknown => (ExitCode.OutcomeUnknown, OutcomeUnknown(command, last)),
            FailureKind.Refused => (ExitCode.Refused, Refused(command, last)),
            FailureKind.DataLoss => (ExitCode.DataLoss, DataLoss(last)),
            FailureKind.Interrupted => (ExitCode.Interrupted, $"{command.Verb} interrupted."),
            _ => (ExitCode.Unavailable, Unavailable(command, attempts)),
        };
        return new Failure(exit, message) { Code = last.Code, Attempts = attempts };
    }

    private static string OutcomeUnknown(Command command, CallFailure failure)
    {
        (string what, string read) = command switch
        {
            Command.Set set => (KeyText.Show(set.Key), "the key"),
            Command.Del del => (KeyText.Show(del.Key), "the key"),
            Command.SetClusterSize size => ($"{size.Members}", "the status"),
            Command.Put put => (BytesText.OfKey(put.Request.Key).Text, "the key"),
            Command.Compact compact => ($"{compact.Request.Revision}", "a key at an older revision"),
            Command.LeaseRevoke revoke => (EtcdBytes.LeaseText(revoke.Id), "the lease"),
            Command.LeaseGrant => ("", "the leases"),
            Command.Txn => ("", "its keys"),
            _ => ("", "the key"),
        };
        string subject = what.Length > 0 ? $"{command.Verb} {what}" : command.Verb;
        string advice = command.RequestId is null
            ? $"read {read} before you try again."
            : "try again with the same --request-id, and it is applied once.";
        string cause = failure.Detail.Length > 0 ? failure.Detail : Name(failure.Code);
        return $"outcome of {subject} unknown: {failure.Target}: {Clause(cause)}. "
            + $"It may or may not have been applied: {advice}";
    }

    private static string Refused(Command command, CallFailure failure)
    {
        string detail = failure.Detail.Length > 0 ? failure.Detail : "no reason given";
        string advice = command is Command.Print && failure.Code == StatusCode.ResourceExhausted
            ? " Ask for fewer keys with --limit."
            : "";
        string who = $"{failure.Target} ({Name(failure.Code)})";
        return $"{command.Verb} refused by {who}: {Clause(detail)}.{advice}";
    }

    private static string DataLoss(CallFailure failure) =>
        $"{failure.Target} has halted (DATA_LOSS): {Clause(failure.Detail)}. See kv status for the reason.";

    private static string Unavailable(Command command, IReadOnlyList<CallFailure> attempts)
    {
        string reasons = string.Join("; ", attempts.Select(Reason));
        if (attempts.All(attempt => attempt.Kind == FailureKind.CannotConnect))
        {
            // Nodes that are down for one reason share it: that is the common case and the short sentence.
            string[] details = [.. attempts.Select(attempt => attempt.Detail).Distinct()];
            string addresses = string.Join(", ", attempts.Select(attempt => attempt.Target));
            reasons = details.Length == 1 ? $"cannot connect to {addresses}: {Clause(details[0])}" : reasons;
            return $"{reasons}. Is a node running there? "
                + "Start one with ./run, or give --target host:port.";
        }

        string advice = command.IsWrite
            ? "Nothing was written: try again, or give another --target."
            : "Try again, or give another --target.";
        return $"{reasons}. {advice}";
    }

    private static string Reason(CallFailure failure) => failure.Kind switch
    {
        FailureKind.CannotConnect => $"cannot connect to {failure.Target}: {Clause(failure.Detail)}",
        FailureKind.Unavailable => $"{failure.Target} is unavailable: {Clause(failure.Detail)}",
        _ => $"{failure.Target}: {Clause(failure.Detail)}",
    };

    /// <summary>A text that goes on in a sentence of ours: without its own full stop.</summary>
    private static string Clause(string text) => text.Trim().TrimEnd('.');

    /// <summary>The code as the gRPC specification writes it, such as RESOURCE_EXHAUSTED.</summary>
    public static string Name(StatusCode code) => string.Concat(
        code.ToString().Select((letter, at) =>
            at > 0 && char.IsUpper(letter) ? $"_{letter}" : $"{char.ToUpperInvariant(letter)}"));
}
