using Grpc.Core;
using Kv.Cli;
using Kv.Cli.Calls;
using Kv.Cli.Commands;
using Kv.Cli.Output;

namespace Kv.Host.Tests.Cli;

public sealed class CallFailureTests
{
    private static readonly TargetAddress A = new("a", 1);
    private static readonly TargetAddress B = new("b", 2);

    [Theory]
    [InlineData(StatusCode.Unavailable, "Unavailable", "Unavailable")]
    [InlineData(StatusCode.DeadlineExceeded, "OutcomeUnknown", "NoAnswer")]
    [InlineData(StatusCode.Unknown, "OutcomeUnknown", "Refused")]
    [InlineData(StatusCode.Internal, "OutcomeUnknown", "Refused")]
    [InlineData(StatusCode.Cancelled, "OutcomeUnknown", "Refused")]
    [InlineData(StatusCode.DataLoss, "DataLoss", "DataLoss")]
    [InlineData(StatusCode.InvalidArgument, "Refused", "Refused")]
    [InlineData(StatusCode.ResourceExhausted, "Refused", "Refused")]
    [InlineData(StatusCode.FailedPrecondition, "Refused", "Refused")]
    [InlineData(StatusCode.Unimplemented, "Refused", "Refused")]
    public void A_status_of_the_server_means_what_the_server_promises(
        StatusCode code, string forWrite, string forRead)
    {
        Assert.Equal(forWrite, Classify(isWrite: true, code, sent: true, fromServer: true));
        Assert.Equal(forRead, Classify(isWrite: false, code, sent: true, fromServer: true));
    }

    [Theory]
    [InlineData(StatusCode.Unavailable)]
    [InlineData(StatusCode.DeadlineExceeded)]
    [InlineData(StatusCode.Internal)]
    [InlineData(StatusCode.Unknown)]
    [InlineData(StatusCode.Cancelled)]
    public void A_call_that_broke_after_it_was_sent_may_go_elsewhere_only_when_it_is_a_read(StatusCode code)
    {
        Assert.Equal("OutcomeUnknown", Classify(isWrite: true, code, sent: true, fromServer: false));
        Assert.Equal("NoAnswer", Classify(isWrite: false, code, sent: true, fromServer: false));
    }

    [Theory]
    [InlineData(StatusCode.Unavailable)]
    [InlineData(StatusCode.DeadlineExceeded)]
    [InlineData(StatusCode.Internal)]
    public void A_call_that_never_left_may_always_go_elsewhere(StatusCode code) =>
        Assert.Equal("CannotConnect", Classify(isWrite: true, code, sent: false, fromServer: false));

    [Fact]
    public void An_interrupted_write_is_unknown_once_it_was_sent()
    {
        Assert.Equal(
            FailureKind.OutcomeUnknown, CallFailure.Classify(true, true, StatusCode.Cancelled, true, false));
        Assert.Equal(
            FailureKind.Interrupted, CallFailure.Classify(true, true, StatusCode.Cancelled, false, false));
        Assert.Equal(
            FailureKind.Interrupted, CallFailure.Classify(false, true, StatusCode.Cancelled, true, false));
    }

    [Fact]
    public void Only_failures_that_wrote_nothing_or_were_reads_go_to_the_next_target()
    {
        FailureKind[] passedOn = [.. Enum.GetValues<FailureKind>()
            .Where(kind => new CallFailure(A, kind, StatusCode.Unavailable, "").MayTryNext)];

        Assert.Equal([FailureKind.CannotConnect, FailureKind.Unavailable, FailureKind.NoAnswer], passedOn);
    }

    [Fact]
    public void Targets_that_all_refuse_the_connection_make_one_sentence()
    {
        Failure failure = FailureText.Describe(
            new Command.Set("x", "1"),
            [
                new CallFailure(A, FailureKind.CannotConnect, StatusCode.Unavailable, "connection refused"),
                new CallFailure(B, FailureKind.CannotConnect, StatusCode.Unavailable, "connection refused"),
            ]);

        Assert.Equal(ExitCode.Unavailable, failure.Exit);
        Assert.Equal(
            "cannot connect to a:1, b:2: connection refused. Is a node running there? "
            + "Start one with ./run, or give --target host:port.",
            failure.Message);
    }

    [Fact]
    public void Different_reasons_are_each_told_and_the_last_attempt_decides()
    {
        CallFailure down = new(A, FailureKind.CannotConnect, StatusCode.Unavailable, "no such host");
        CallFailure full = new(B, FailureKind.Unavailable, StatusCode.Unavailable, "The broker blocks.");
        CallFailure unknown = new(B, FailureKind.OutcomeUnknown, StatusCode.DeadlineExceeded, "too late");

        Failure unavailable = FailureText.Describe(new Command.Del("x"), [down, full]);
        Failure lost = FailureText.Describe(new Command.Del("x"), [down, unknown]);

        Assert.Equal(
            "cannot connect to a:1: no such host; b:2 is unavailable: The broker blocks. "
            + "Nothing was written: try again, or give another --target.",
            unavailable.Message);
        Assert.Equal(ExitCode.OutcomeUnknown, lost.Exit);
        Assert.Contains("may or may not have been applied", lost.Message, StringComparison.Ordinal);
    }

    private static string Classify(bool isWrite, StatusCode code, bool sent, bool fromServer) =>
        CallFailure.Classify(isWrite, interrupted: false, code, sent, fromServer).ToString();
}
