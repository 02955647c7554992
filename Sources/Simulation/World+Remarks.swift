// What answers say beside their status: how busy their server is, when to come again, that it wants to be left alone.
//
// Only clusters whose servers may ever say something are asked (`saysMore`); of all others an answer is its status. What a fault makes an attempt
// say is kept beside its work under the attempt's name, since works' places are used again.

import DataPlane
import MeshCore

/// What an answer says to everybody.
struct AnswerRemark: BitwiseCopyable {
  /// Whose it is.
  var plane: Int32
  var attempt: AttemptHandle
  /// Nanoseconds of `Retry-After`, or 0, and the status that it comes with.
  var retryAfter: Int64
  var status: Int16
  /// Whether it carries `x-envoy-immediate-health-check-fail`.
  var asksToBeLeft: Bool

  static var none: AnswerRemark {
    AnswerRemark(plane: -1, attempt: .none, retryAfter: 0, status: 0, asksToBeLeft: false)
  }
}

extension World {
  /// Whether faults may make answers of a service say something.
  func mayRemark(ofService service: Int) -> Bool {
    description.faults.contains { fault in
      switch fault.kind {
      case .errors(let targets, _, _, _, let retryAfter):
        retryAfter != nil && targets.contains { $0.service == service }
      case .healthCheckFail(let targets): targets.contains { $0.service == service }
      default: false
      }
    }
  }

  /// The remark of a work, made empty if it is another one's.
  private mutating func changeRemark(of work: Int32, _ change: (inout AnswerRemark) -> Void) {
    if Int(work) >= remarks.count { remarks.resize(to: Int(work) + 1, filling: .none) }
    let (plane, attempt) = works.modify(work) { ($0.plane, $0.attempt) }
    if remarks[work].plane != plane || remarks[work].attempt != attempt {
      remarks[work] = .none
      remarks[work].plane = plane
      remarks[work].attempt = attempt
    }
    change(&remarks[work])
  }

  /// A fault makes an attempt fail, and its answer say when to come again.
  mutating func remark(_ work: Int32, retryAfter: TimeSpan, status: Int16) {
    changeRemark(of: work) { remark in
      remark.retryAfter = retryAfter.nanoseconds
      remark.status = status
    }
  }

  /// An answer leaves a replica that has something to say with it.
  @inline(never)
  mutating func remarkOnAnswer(_ work: Int32) {
    let condition = replicas[works[work].replica].condition
    if condition.contains(.reporting) {
      noteAnswer(work)
      attachReport(to: work)
    }
    if condition.contains(.leaving) { changeRemark(of: work) { $0.asksToBeLeft = true } }
  }

  /// Tells a data plane an answer with what it says beside its status.
  @inline(never)
  mutating func tellAnswerWithRemarks(
    _ work: Int32, plane: Int, _ attempt: AttemptHandle, status: Int16, cluster: Int32
  ) {
    if reportsOfCluster[cluster] { tell(plane, .loadReported(attempt, reports[work])) }
    let remark = Int(work) < remarks.count ? remarks[work] : .none
    if Int(remark.plane) != plane || remark.attempt != attempt {
      tellAnswer(plane, attempt, status: status)
      return
    }
    if remark.asksToBeLeft { tell(plane, .leaveRequested(attempt)) }
    if remark.retryAfter > 0 && remark.status == status {
      tell(
        plane,
        .attemptPutOff(attempt, status: status, retryAfter: TimeSpan(nanoseconds: remark.retryAfter)))
    } else {
      tellAnswer(plane, attempt, status: status)
    }
  }
}
